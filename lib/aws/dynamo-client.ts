import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";

/** Where the table is. Without an endpoint and region the environment says so, as for every AWS SDK. */
export type Connection = { endpoint?: string | undefined; region?: string | undefined };

/**
 * Opens a client; the SDK is loaded here, where it is first needed. A request has one second to connect and three to be
 * answered, and is sent at most five times with exponential pauses. The SDK may do that with a conditional write too: it
 * takes effect once at most, and whoever made it finds out whether it did (see `Items`).
 */
export async function openClient({ endpoint, region }: Connection): Promise<DynamoDBDocumentClient> {
  const [{ DynamoDBClient }, { DynamoDBDocumentClient }] = await Promise.all([
    import("@aws-sdk/client-dynamodb"),
    import("@aws-sdk/lib-dynamodb"),
  ]);
  const client = new DynamoDBClient({
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(isElsewhere(endpoint) && standIn(region)),
    maxAttempts: 5,
    retryMode: "standard",
    requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
  });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

/** Whether an endpoint is a stand-in for DynamoDB: it is given, and it is not of AWS. */
export function isElsewhere(endpoint: string | undefined): endpoint is string {
  return endpoint !== undefined && !/\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}

/** A stand-in checks no signature, and must not be shown one that is worth anything. */
const standIn = (region = "us-east-1") => ({
  region,
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
});
