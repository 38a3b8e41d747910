import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";
import type { Outgoing } from "./door.ts";
import type { Scope } from "./scope.ts";

/** Keys of AWS. None of it may be in a message or a log. */
export type Credentials = {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
};

const ALGORITHM = "AWS4-HMAC-SHA256";

/**
 * The headers of a request, of which it holds all, with those that sign it with Signature Version 4. By hand, because what the
 * SDK has for all services takes several times as long, of every call that passes.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function sign(
  { method, url, headers, body }: Outgoing,
  { region, service }: Scope,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  now = new Date(),
): Record<string, string> {
  const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`;
  const bodyHash = hash("sha256", body);
  const all: Record<string, string> = {
    ...headers,
    host: url.host,
    "x-amz-date": time,
    "x-amz-content-sha256": bodyHash,
    ...(sessionToken !== undefined && { "x-amz-security-token": sessionToken }),
  };
  const names = Object.keys(all).sort();
  const signed = names.join(";");
  const lines = names.map((name) => `${name}:${all[name]?.trim().replaceAll(/\s+/g, " ")}`);
  const canonical = [method, canonicalPath(url), canonicalQuery(url), ...lines, "", signed, bodyHash].join("\n");
  const text = [ALGORITHM, time, scope, hash("sha256", canonical)].join("\n");
  const signature = createHmac("sha256", keyFor(scope, secretAccessKey)).update(text).digest("hex");
  const authorization = `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`;
  return { ...all, authorization };
}

/** What is in a path is escaped once more, as all services but S3 want it. */
function canonicalPath({ pathname }: URL): string {
  const parts = pathname.split("/").filter((part) => part !== "");
  const end = parts.length > 0 && pathname.endsWith("/") ? "/" : "";
  return `/${parts.map(escaped).join("/")}${end}`;
}

const canonicalQuery = ({ searchParams }: URL): string =>
  [...searchParams]
    .map(([name, value]) => [escaped(name), escaped(value)] as const)
    .sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");

const compare = (one: string, other: string): number => Number(one > other) - Number(one < other);

/** https://www.rfc-editor.org/rfc/rfc3986#section-2.3 */
const escaped = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

let derived: { scope: string; secret: string; key: KeyObject } | undefined;

/** The key of a day, a region and a service: the one used last is kept, since most requests want the same. */
function keyFor(scope: string, secret: string): KeyObject {
  if (derived?.scope !== scope || derived.secret !== secret) {
    const start = Buffer.from(`AWS4${secret}`);
    const bytes = scope.split("/").reduce((key, part) => createHmac("sha256", key).update(part).digest(), start);
    derived = { scope, secret, key: createSecretKey(bytes) };
  }
  return derived.key;
}
