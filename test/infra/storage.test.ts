import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { tableDescription } from "../../lib/store/dynamodb/table.ts";
import { Synthesis, text } from "./synthesis.ts";

const built = await Synthesis.of({ retentionDays: 10, cloud: { deletionProtection: true } });
const fleeting = await Synthesis.of({ cloud: { retainData: false } });

describe("the table", () => {
  const [[, table] = []] = built.ofType("AWS::DynamoDB::Table");

  test("is the one that the store reads", () => {
    const { partitionKey, sortKey, expiry, byOwner, open } = tableDescription;
    const keys = (partition: string, sort: string) => [
      { AttributeName: partition, KeyType: "HASH" },
      { AttributeName: sort, KeyType: "RANGE" },
    ];
    const index = (described: typeof byOwner | typeof open) => ({
      IndexName: described.name,
      KeySchema: keys(described.partitionKey, described.sortKey),
      Projection: { ProjectionType: "KEYS_ONLY" },
    });
    expect(table?.Properties).toMatchObject({
      KeySchema: keys(partitionKey, sortKey),
      GlobalSecondaryIndexes: [index(byOwner), index(open)],
      TimeToLiveSpecification: { AttributeName: expiry, Enabled: true },
    });
    const { AttributeDefinitions } = built.only("AWS::DynamoDB::Table") as {
      AttributeDefinitions: { AttributeName: string; AttributeType: string }[];
    };
    const types = AttributeDefinitions.map(({ AttributeName, AttributeType }) => [AttributeName, AttributeType]);
    expect(Object.fromEntries(types)).toEqual({
      [partitionKey]: "S",
      [sortKey]: "S",
      [byOwner.partitionKey]: "S",
      [byOwner.sortKey]: "N",
      [open.partitionKey]: "S",
      [open.sortKey]: "N",
    });
  });

  test("is paid by use, encrypted, and can be restored", () => {
    expect(table?.Properties).toMatchObject({
      BillingMode: "PAY_PER_REQUEST",
      // False is the key that AWS owns, for which nobody pays.
      SSESpecification: { SSEEnabled: false },
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      DeletionProtectionEnabled: true,
    });
  });

  test("it outlives the stack, in nobody's way", () => {
    expect(table).toMatchObject({ DeletionPolicy: "RetainExceptOnCreate", UpdateReplacePolicy: "Retain" });
    expect(table?.Properties).not.toHaveProperty("TableName");
    expect(text(built.template.toJSON().Outputs.TableName.Value)).toBe("<TasksTable>");
  });

  test("it goes with the stack where the configuration says so", () => {
    const gone = { DeletionPolicy: "Delete", Properties: { DeletionProtectionEnabled: false } };
    expect(fleeting.ofType("AWS::DynamoDB::Table")).toMatchObject([[expect.any(String), gone]]);
  });
});

describe("the bucket", () => {
  const [[, bucket] = []] = built.ofType("AWS::S3::Bucket");

  test("is private and encrypted, and takes TLS alone", () => {
    expect(bucket?.Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }],
      },
    });
    built.template.hasResourceProperties("AWS::S3::BucketPolicy", {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: "Deny",
            Action: "s3:*",
            Principal: { AWS: "*" },
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          }),
        ]),
      },
    });
  });

  test("forgets files a month after their tasks, and uploads that were given up", () => {
    expect(bucket?.Properties.LifecycleConfiguration).toEqual({
      Rules: [{ Status: "Enabled", ExpirationInDays: 40, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }],
    });
  });

  test("it outlives the stack, in nobody's way", () => {
    expect(bucket).toMatchObject({ DeletionPolicy: "RetainExceptOnCreate", UpdateReplacePolicy: "Retain" });
    expect(bucket?.Properties).not.toHaveProperty("BucketName");
    expect(built.ofType("Custom::S3AutoDeleteObjects")).toEqual([]);
    expect(text(built.template.toJSON().Outputs.BucketName.Value)).toBe("<ArtifactsBucket>");
  });

  test("it goes with the stack where the configuration says so, with what is in it", () => {
    expect(fleeting.ofType("AWS::S3::Bucket")).toMatchObject([[expect.any(String), { DeletionPolicy: "Delete" }]]);
    expect(fleeting.ofType("Custom::S3AutoDeleteObjects")).toHaveLength(1);
  });
});
