import type { CreateTableCommandInput } from "@aws-sdk/client-dynamodb";
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { type Connection, isElsewhere } from "../../aws/connection.ts";
import { openClient } from "./dynamo-client.ts";
import { explain } from "./store-errors.ts";
import { tableDescription } from "./table.ts";

/**
 * Makes the table unless it is there, where the endpoint is that of a stand-in for DynamoDB; on AWS the stack makes it.
 * Throws RetryableError `platform.store_unavailable`.
 */
export async function prepareTable(options: Connection & { tableName: string }): Promise<void> {
  if (!isElsewhere(options.endpoint)) return;
  const client = await openClient(options);
  try {
    await createTable(client, options.tableName);
  } catch (error) {
    throw explain(error, options.tableName);
  } finally {
    client.destroy();
  }
}

/** Makes the table unless it is there, and waits until it can be used. Throws what the SDK throws. */
export async function createTable(client: DynamoDBDocumentClient, tableName: string): Promise<void> {
  const { CreateTableCommand, waitUntilTableExists } = await import("@aws-sdk/client-dynamodb");
  try {
    await client.send(new CreateTableCommand(inputOf(tableName)));
  } catch (error) {
    if (!(error instanceof Error && error.name === "ResourceInUseException")) throw error;
  }
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 0.05, maxDelay: 1 }, { TableName: tableName });
}

function inputOf(TableName: string): CreateTableCommandInput {
  const { partitionKey, sortKey, byOwner, open } = tableDescription;
  const text = (AttributeName: string) => ({ AttributeName, AttributeType: "S" }) as const;
  const number = (AttributeName: string) => ({ AttributeName, AttributeType: "N" }) as const;
  const keys = (partition: string, sort: string) => [
    { AttributeName: partition, KeyType: "HASH" as const },
    { AttributeName: sort, KeyType: "RANGE" as const },
  ];
  return {
    TableName,
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: keys(partitionKey, sortKey),
    AttributeDefinitions: [
      text(partitionKey),
      text(sortKey),
      ...[byOwner, open].flatMap((index) => [text(index.partitionKey), number(index.sortKey)]),
    ],
    GlobalSecondaryIndexes: [byOwner, open].map((index) => ({
      IndexName: index.name,
      KeySchema: keys(index.partitionKey, index.sortKey),
      Projection: { ProjectionType: "KEYS_ONLY" },
    })),
  };
}
