import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { SignatureV4 } from "@smithy/signature-v4";
import { record } from "./keep-request.ts";
import { Sha256 } from "./sha256.ts";
import { witness } from "./witness.ts";

/** Secrets by access key id. */
export type Identities = Readonly<Record<string, string>>;

/** Who `lib/aws` is towards an endpoint that is not of AWS. */
export const localIdentity: Identities = { local: "local" };

export type Flaw =
  | "missing"
  | "malformed"
  | "unknown_key"
  | "wrong_scope"
  | "unsigned_header"
  | "skewed"
  | "expired"
  | "wrong_body"
  | "mismatch";

type Expected = { service: string; region: string; identities: Identities; nowMs: number };
type Parts = {
  accessKeyId: string;
  scope: string[];
  names: string[];
  signature: string;
  date: string;
  /** Of a presigned address alone. */
  expires?: string;
};

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html */
const SKEW_MS = 5 * 60_000;
const MAX_EXPIRES_SECONDS = 604_800;

/**
 * What is wrong with the signature of a request, in its headers or in its query; undefined when nothing is. The request is
 * signed again with what was received, and must come out the same.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
export async function flawOf(request: IncomingMessage, body: Buffer, expected: Expected): Promise<Flaw | undefined> {
  const query = queryOf(request);
  const parts = "X-Amz-Signature" in query ? presignedParts(query) : headerParts(request);
  if (typeof parts === "string") return parts;
  const secretAccessKey = expected.identities[parts.accessKeyId];
  if (secretAccessKey === undefined) return "unknown_key";
  const [day, region, service, end] = parts.scope;
  if (region !== expected.region || service !== expected.service || end !== "aws4_request") return "wrong_scope";
  const signedAtMs = Date.parse(parts.date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (Number.isNaN(signedAtMs) || !parts.date.startsWith(day ?? "?")) return "malformed";
  const late = timeFlaw(parts, signedAtMs, expected.nowMs);
  if (late) return late;
  const amzHeaders = Object.keys(request.headers).filter((name) => name.startsWith("x-amz-"));
  if (!["host", ...amzHeaders].every((name) => parts.names.includes(name))) return "unsigned_header";
  const claimed = header(request, "x-amz-content-sha256");
  if (claimed && claimed !== "UNSIGNED-PAYLOAD" && claimed !== createHash("sha256").update(body).digest("hex"))
    return "wrong_body";
  const again = await signAgain(request, body, query, parts, { secretAccessKey, signedAtMs, ...expected });
  if (again !== parts.signature) return "mismatch";
  witness({ request, query, service: service ?? "", region: region ?? "", body });
  record(request, query, service ?? "", body);
  return undefined;
}

function headerParts(request: IncomingMessage): Parts | Flaw {
  const text = header(request, "authorization");
  if (!text) return "missing";
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(text);
  if (!match) return "malformed";
  const [, accessKeyId = "", scope = "", names = "", signature = ""] = match;
  const date = header(request, "x-amz-date") ?? "";
  return { accessKeyId, scope: scope.split("/"), names: names.split(";"), signature, date };
}

function presignedParts(query: Record<string, string>): Parts | Flaw {
  const [accessKeyId = "", ...scope] = (query["X-Amz-Credential"] ?? "").split("/");
  const expires = query["X-Amz-Expires"] ?? "";
  const known = query["X-Amz-Algorithm"] === "AWS4-HMAC-SHA256" && /^\d{1,6}$/.test(expires);
  if (!known || Number(expires) > MAX_EXPIRES_SECONDS) return "malformed";
  const names = (query["X-Amz-SignedHeaders"] ?? "").split(";");
  const signature = query["X-Amz-Signature"] ?? "";
  return { accessKeyId, scope, names, signature, date: query["X-Amz-Date"] ?? "", expires };
}

function timeFlaw({ expires }: Parts, signedAtMs: number, nowMs: number): Flaw | undefined {
  if (signedAtMs > nowMs + SKEW_MS) return "skewed";
  if (expires === undefined) return nowMs > signedAtMs + SKEW_MS ? "skewed" : undefined;
  return nowMs > signedAtMs + Number(expires) * 1000 ? "expired" : undefined;
}

async function signAgain(
  request: IncomingMessage,
  body: Buffer,
  query: Record<string, string>,
  { accessKeyId, names, expires }: Parts,
  { secretAccessKey, signedAtMs, service, region }: Expected & { secretAccessKey: string; signedAtMs: number },
): Promise<string | undefined> {
  const sessionToken = header(request, "x-amz-security-token") ?? query["X-Amz-Security-Token"];
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  const ofS3 = service === "s3";
  // The signer would add the header of the body's hash, which not every client sends, and sign it too.
  const applyChecksum = names.includes("x-amz-content-sha256");
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256, uriEscapePath: !ofS3, applyChecksum });
  const signed = {
    method: request.method ?? "",
    protocol: "http:",
    hostname: header(request, "host") ?? "",
    path: (request.url ?? "").split("?")[0] ?? "",
    headers: Object.fromEntries(names.map((name) => [name, header(request, name) ?? ""])),
    body,
  };
  const signingDate = new Date(signedAtMs);
  const signableHeaders = new Set(names);
  if (expires === undefined) {
    const { headers } = await signer.sign({ ...signed, query }, { signingDate, signableHeaders });
    return headers.authorization?.split("Signature=")[1];
  }
  const again = await signer.presign(
    {
      ...signed,
      headers: { ...signed.headers, "X-Amz-Content-Sha256": "UNSIGNED-PAYLOAD" },
      query: Object.fromEntries(Object.entries(query).filter(([name]) => !ofSignature.includes(name))),
    },
    {
      signingDate,
      expiresIn: Number(expires),
      signableHeaders,
      unhoistableHeaders: new Set(names.filter((name) => name.startsWith("x-amz-"))),
    },
  );
  return String(again.query?.["X-Amz-Signature"]);
}

/** What the signer puts into the query itself. */
const ofSignature = [
  "X-Amz-Algorithm",
  "X-Amz-Content-Sha256",
  "X-Amz-Credential",
  "X-Amz-Date",
  "X-Amz-Expires",
  "X-Amz-Security-Token",
  "X-Amz-Signature",
  "X-Amz-SignedHeaders",
];

const header = (request: IncomingMessage, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
};

/** The query as it was sent; a name that is there twice counts once, and then the signature does not match. */
export const queryOf = (request: IncomingMessage): Record<string, string> =>
  Object.fromEntries(new URL(request.url ?? "/", "http://emulator").searchParams);
