import { addressOf, type Connection } from "./connection.ts";

/**
 * Functions of an account that may run at the same time in a region, by its code in Service Quotas; 1,000 unless an account is new.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
const quota = { ServiceCode: "lambda", QuotaCode: "L-B99A9384" };
/** What new accounts have. */
const LEAST = 10;
const TRY_AGAIN_MS = 60_000;

/**
 * Reads how many functions may run at the same time, once. While that cannot be read it is taken for what new accounts have,
 * which is the least.
 */
export function lambdaConcurrency(connection: Connection, now: () => number): () => Promise<number> {
  let known: { read: Promise<number | undefined>; atMs: number } | undefined;
  async function read(): Promise<number | undefined> {
    const sdk = await import("@aws-sdk/client-service-quotas");
    const client = new sdk.ServiceQuotasClient({ ...addressOf(connection), maxAttempts: 2 });
    try {
      return (await client.send(new sdk.GetServiceQuotaCommand(quota))).Quota?.Value;
    } catch {
      return undefined;
    } finally {
      client.destroy();
    }
  }
  return async () => {
    known ??= { read: read(), atMs: now() };
    const value = await known.read;
    if (value === undefined && now() - known.atMs > TRY_AGAIN_MS) known = undefined;
    return value ?? LEAST;
  };
}
