/** Where a service is. Without an endpoint and region the environment says so, as for every AWS SDK. */
export type Connection = { endpoint?: string | undefined; region?: string | undefined };

/** Whether an endpoint is a stand-in for a service: it is given, and it is not of AWS. */
export function isElsewhere(endpoint: string | undefined): endpoint is string {
  return endpoint !== undefined && !/\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname);
}

/** The part of a client's configuration that says where the service is, and who asks. */
export const addressOf = ({ endpoint, region }: Connection) => ({
  ...(endpoint !== undefined && { endpoint }),
  ...(region !== undefined && { region }),
  ...(isElsewhere(endpoint) && standIn(region)),
});

/** A stand-in must not be shown credentials that are worth anything. */
const standIn = (region = "us-east-1") => ({
  region,
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
});
