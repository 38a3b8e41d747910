import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { addressOf, type Connection } from "../../aws/connection.ts";

/** As many requests as one process has under way when hundreds of tasks begin at once. */
const MAX_SOCKETS = 256;
const ANSWER_MS = 5000;

/**
 * Opens a client; the SDK is loaded here, where it is first needed. A request has three seconds to connect and five to be
 * answered, and is sent at most five times with exponential pauses. The SDK may do that with a conditional write too: it
 * takes effect once at most, and whoever made it finds out whether it did (see `Items`). Of many requests that run
 * out of time at once only some are sent again (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html).
 */
export async function openClient(connection: Connection, answerMs = ANSWER_MS): Promise<DynamoDBDocumentClient> {
  const [{ DynamoDBClient }, { DynamoDBDocumentClient }] = await Promise.all([
    import("@aws-sdk/client-dynamodb"),
    import("@aws-sdk/lib-dynamodb"),
  ]);
  const client = new DynamoDBClient({
    ...addressOf(connection),
    maxAttempts: 5,
    retryMode: "standard",
    requestHandler: {
      // Both include the wait for a free socket. A burst that has to wait for none cannot use up the SDK's retries on it.
      connectionTimeout: 3000,
      requestTimeout: answerMs,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: MAX_SOCKETS },
      httpsAgent: { maxSockets: MAX_SOCKETS },
    },
  });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}
