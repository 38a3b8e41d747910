import { Duration, RemovalPolicy } from "aws-cdk-lib";
import { type IGrantable, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { Configuration } from "../contract/configuration.ts";

/** Files outlive the record of their task, which is forgotten up to some days late. */
const SPARE_DAYS = 30;

/** The bucket of artifacts and large values. Workers put files there by signed addresses, and need no right of their own. */
export class ArtifactBucket extends Construct {
  readonly name: string;
  readonly #bucket: Bucket;

  constructor(scope: Construct, id: string, { retentionDays, cloud: { retainData } }: Configuration) {
    super(scope, id);
    this.#bucket = new Bucket(this, "Bucket", {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      lifecycleRules: [
        {
          expiration: Duration.days(retentionDays + SPARE_DAYS),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy: retainData ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY,
      autoDeleteObjects: !retainData,
    });
    this.name = this.#bucket.bucketName;
  }

  /** What tasks have put there. Listing makes a missing object a 404, where it would be a 403. */
  grantRead(grantee: IGrantable): void {
    this.#allow(grantee, ["s3:GetObject"], this.#bucket.arnForObjects("tasks/*"));
    this.#allow(grantee, ["s3:ListBucket"], this.#bucket.bucketArn);
  }

  grantReadWrite(grantee: IGrantable): void {
    this.grantRead(grantee);
    this.#allow(grantee, ["s3:PutObject"], this.#bucket.arnForObjects("tasks/*"));
  }

  #allow({ grantPrincipal }: IGrantable, actions: string[], resource: string): void {
    grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions, resources: [resource] }));
  }
}
