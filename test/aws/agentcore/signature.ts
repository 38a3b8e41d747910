import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { SignatureV4 } from "@smithy/signature-v4";

export const credentials = { accessKeyId: "AKIDEMULATOR", secretAccessKey: "emulator-secret" };

/** SHA-256 as the signer wants it. */
class Sha256 {
  #hash: Hash | Hmac;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytesOf(secret));
  }
  update(chunk: Uint8Array | string): void {
    this.#hash.update(chunk);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {
    this.#hash = createHash("sha256");
  }
}

const bytesOf = (value: string | ArrayBuffer | ArrayBufferView): Uint8Array => {
  if (typeof value === "string") return Buffer.from(value);
  return value instanceof ArrayBuffer
    ? new Uint8Array(value)
    : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
};

const SKEW_MS = 5 * 60_000;

/** What is wrong with a request's signature, or undefined: signed again, it must come out the same. */
export async function signatureFlaw(request: IncomingMessage, body: Buffer): Promise<string | undefined> {
  const header = (name: string) => [request.headers[name] ?? ""].flat().join(",");
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      header("authorization"),
    );
  if (!parts) return "MissingAuthenticationToken";
  const [, accessKeyId, , region = "", service, signedHeaders = "", signature] = parts;
  if (accessKeyId !== credentials.accessKeyId) return "UnrecognizedClientException";
  if (service !== "bedrock-agentcore") return `signed for ${service}`;
  const names = signedHeaders.split(";");
  if (!names.includes("host")) return "host is not signed";
  const date = header("x-amz-date").replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const signingDate = new Date(date);
  if (!(Math.abs(signingDate.getTime() - Date.now()) < SKEW_MS)) return "the date is too far off";
  const sum = createHash("sha256").update(body).digest("hex");
  const claimed = header("x-amz-content-sha256");
  if (claimed !== "" && claimed !== sum) return "the body is not what was signed";

  const url = new URL(request.url ?? "/", "http://emulator");
  const query: Record<string, string | string[]> = {};
  for (const name of new Set(url.searchParams.keys())) {
    const values = url.searchParams.getAll(name);
    query[name] = values.length === 1 ? (values[0] ?? "") : values;
  }
  const headers = Object.fromEntries(names.map((name) => [name, header(name)]));
  const signer = new SignatureV4({ credentials, region, service, sha256: Sha256, uriEscapePath: true });
  const again = await signer.sign(
    {
      method: request.method ?? "GET",
      protocol: "http:",
      hostname: header("host"),
      path: (request.url ?? "/").split("?")[0] ?? "/",
      query,
      headers: { ...headers, "x-amz-content-sha256": claimed || sum },
      body,
    },
    { signingDate, signableHeaders: new Set(names), unsignableHeaders: new Set() },
  );
  const expected = /Signature=([0-9a-f]{64})$/.exec(again.headers.authorization ?? "")?.[1];
  return expected === signature ? undefined : "the signature does not match";
}
