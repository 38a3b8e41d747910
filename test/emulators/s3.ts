import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { Faults } from "./requests/faults.ts";
import { listen } from "./requests/listen.ts";
import { type Flaw, flawOf, type Identities, localIdentity, queryOf } from "./requests/signature.ts";

type Stored = { body: Buffer; headers: Record<string, string>; checksum: string | undefined };
type Answer = { status: number; headers?: Record<string, string>; body?: Buffer | string };

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const flawAnswers: Record<Flaw, readonly [status: number, code: string]> = {
  missing: [403, "AccessDenied"],
  malformed: [400, "AuthorizationQueryParametersError"],
  unknown_key: [403, "InvalidAccessKeyId"],
  wrong_scope: [400, "AuthorizationHeaderMalformed"],
  unsigned_header: [403, "AccessDenied"],
  skewed: [403, "RequestTimeTooSkewed"],
  expired: [403, "AccessDenied"],
  wrong_body: [400, "XAmzContentSHA256Mismatch"],
  mismatch: [403, "SignatureDoesNotMatch"],
};

/** Headers that are kept with an object, and the parameters that replace them in an answer. */
const keptHeaders = {
  "content-type": "response-content-type",
  "content-disposition": "response-content-disposition",
} as const;

/**
 * S3 on a free port of this machine, as far as artifacts use it: objects are put, read and asked for, in path style and
 * virtual-host style, and every request is checked as S3 does: the signature, in headers or in the query, and what the
 * body must be.
 *
 * Left out: listing and deleting, multipart uploads, versions, tags, ACLs and bucket policies, encryption, ranges, conditional
 * requests, lifecycles, and how long S3 takes.
 */
export async function startS3(options: { region?: string; identities?: Identities; now?: () => number } = {}) {
  const { region = "us-east-1", identities = localIdentity, now = Date.now } = options;
  const buckets = new Map<string, Map<string, Stored>>();
  const faults = new Faults();

  async function answer(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const flaw = await flawOf(request, body, { service: "s3", region, identities, nowMs: now() });
    if (flaw) return refusal(...flawAnswers[flaw], flaw === "expired" ? "Request has expired" : flaw);
    const { bucket, key } = placeOf(request);
    const objects = buckets.get(bucket);
    if (!objects) return refusal(404, "NoSuchBucket");
    if (key === "") return request.method === "HEAD" ? { status: 200 } : refusal(405, "MethodNotAllowed");
    if (Buffer.byteLength(key) > 1024) return refusal(400, "KeyTooLongError");
    if (request.method === "PUT") return put(objects, key, request, body);
    const found = objects.get(key);
    if (request.method !== "GET" && request.method !== "HEAD") return refusal(405, "MethodNotAllowed");
    return found ? read(found, request) : refusal(404, "NoSuchKey");
  }

  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    const fault = faults.take(operationOf(request));
    if (fault && "cut" in fault && fault.cut === "before") {
      request.socket.destroy();
      return;
    }
    const result = fault && "code" in fault ? refusal(fault.status, fault.code) : await answer(request, body);
    if (fault && "cut" in fault) cutShort(response, result);
    else send(request, response, result);
  });
  const listening = await listen(server);

  return {
    ...listening,
    faults,
    /** Makes an empty bucket; its objects by key are there to be looked at, and damaged. */
    makeBucket(name: string): Map<string, Stored> {
      const objects = new Map<string, Stored>();
      buckets.set(name, objects);
      return objects;
    },
  };
}

function put(objects: Map<string, Stored>, key: string, request: IncomingMessage, body: Buffer): Answer {
  if (request.headers["content-length"] === undefined) return refusal(411, "MissingContentLength");
  const checksum = request.headers["x-amz-checksum-sha256"];
  if (checksum !== undefined && checksum !== createHash("sha256").update(body).digest("base64"))
    return refusal(400, "BadDigest", "The SHA256 you specified did not match the calculated checksum.");
  const headers = Object.fromEntries(
    Object.keys(keptHeaders).flatMap((name) => {
      const value = request.headers[name];
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
  objects.set(key, { body, headers, checksum: typeof checksum === "string" ? checksum : undefined });
  return { status: 200, headers: { etag: `"${createHash("md5").update(body).digest("hex")}"` } };
}

function read({ body, headers, checksum }: Stored, request: IncomingMessage): Answer {
  const query = queryOf(request);
  const replaced = Object.entries(keptHeaders).flatMap(([name, parameter]) => {
    const value = query[parameter] ?? headers[name];
    return value === undefined ? [] : [[name, value]];
  });
  const asked = request.headers["x-amz-checksum-mode"] === "ENABLED" && checksum !== undefined;
  return {
    status: 200,
    headers: { ...Object.fromEntries(replaced), ...(asked && { "x-amz-checksum-sha256": checksum }) },
    body,
  };
}

function send(request: IncomingMessage, response: ServerResponse, { status, headers, body = "" }: Answer): void {
  response.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Half an answer, and then the connection is gone. */
function cutShort(response: ServerResponse, { status, headers, body = "" }: Answer): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { "content-length": bytes.byteLength + 1, ...headers });
  response.write(bytes.subarray(0, bytes.byteLength / 2), () => response.destroy());
}

function refusal(status: number, code: string, message = code): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, headers: { "content-type": "application/xml" }, body };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html */
function placeOf(request: IncomingMessage): { bucket: string; key: string } {
  const path = decoded((request.url ?? "").split("?")[0] ?? "").slice(1);
  const ofHost = /^(.+)\.(?:localhost|s3[^/]*\.amazonaws\.com)(?::\d+)?$/.exec(request.headers.host ?? "")?.[1];
  if (ofHost !== undefined) return { bucket: ofHost, key: path };
  const [bucket = "", ...rest] = path.split("/");
  return { bucket, key: rest.join("/") };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

const operationOf = (request: IncomingMessage): string =>
  `${request.method} ${placeOf(request).key === "" ? "bucket" : "object"}`;
