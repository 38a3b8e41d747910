import { Sha256 } from "@smithy/core/checksum";
import { SignatureV4 } from "@smithy/signature-v4";
import type { Outgoing } from "./door.ts";
import type { Scope } from "./scope.ts";

/** Keys of AWS. None of it may be in a message or a log. */
export type Credentials = {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
};

/**
 * The headers that sign a request, of which it holds all, with Signature Version 4.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
export async function sign(
  { method, url, headers, body }: Outgoing,
  { region, service }: Scope,
  credentials: Credentials,
): Promise<Record<string, string>> {
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256 });
  const signed = await signer.sign({
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries([...url.searchParams.keys()].map((name) => [name, url.searchParams.getAll(name)])),
    headers: { ...headers, host: url.host },
    body,
  });
  return signed.headers;
}
