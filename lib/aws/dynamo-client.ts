import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { addressOf, type Connection } from "./connection.ts";

/**
 * Opens a client; the SDK is loaded here, where it is first needed. A request has one second to connect and three to be
 * answered, and is sent at most five times with exponential pauses. The SDK may do that with a conditional write too: it
 * takes effect once at most, and whoever made it finds out whether it did (see `Items`).
 */
export async function openClient(connection: Connection): Promise<DynamoDBDocumentClient> {
  const [{ DynamoDBClient }, { DynamoDBDocumentClient }] = await Promise.all([
    import("@aws-sdk/client-dynamodb"),
    import("@aws-sdk/lib-dynamodb"),
  ]);
  const client = new DynamoDBClient({
    ...addressOf(connection),
    maxAttempts: 5,
    retryMode: "standard",
    requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
  });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}
