import { randomBytes } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { Sha256 } from "../emulators/requests/sha256.ts";

export const REGION = "us-west-2";
/** What a REST API calls itself in the scope of a signature. */
export const SERVICE = "execute-api";

/** An IAM principal with an access key. */
export type Caller = { userArn: string; accessKeyId: string; secretAccessKey: string };

/** A principal whom nobody else in the tests is; by default a role of its own. */
export function newCaller(
  userArn = `arn:aws:sts::123456789012:assumed-role/role-${randomBytes(6).toString("hex")}/me`,
) {
  const accessKeyId = `AKIA${randomBytes(8).toString("hex").toUpperCase()}`;
  return { userArn, accessKeyId, secretAccessKey: randomBytes(20).toString("hex") } satisfies Caller;
}

/** The headers of a request that this caller has signed with Signature Version 4, Host among them. */
export function signerOf({ accessKeyId, secretAccessKey }: Caller) {
  const credentials = { accessKeyId, secretAccessKey };
  const signer = new SignatureV4({ credentials, region: REGION, service: SERVICE, sha256: Sha256 });
  type Asked = { method: string; url: URL; headers?: Record<string, string>; body?: RequestInit["body"] | Buffer };
  return async ({ method, url, headers = {}, body }: Asked): Promise<Record<string, string>> => {
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...headers, host: url.host },
      ...(body != null && { body }),
    });
    return signed.headers;
  };
}

/** Fetches as this caller. */
export function signingFetch(caller: Caller) {
  const sign = signerOf(caller);
  return async (to: string | URL, init: RequestInit = {}): Promise<Response> => {
    const { method = "GET", body = null } = init;
    const url = new URL(to);
    const given = Object.fromEntries(new Headers(init.headers));
    const { host: _, ...headers } = await sign({ method, url, headers: given, body });
    return fetch(url, { ...init, headers });
  };
}
