import { appendFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";

/** A file to which requests to services are added as JSON, one a line; `.ci/check-cloud` reads it. */
const file = process.env.TEST_AWS_REQUESTS;
/** One of each shape says it all. */
const seen = new Set<string>();

/** Keeps a request whose signature was right, unless there is no file, or one of the same shape was kept before. */
export function record(request: IncomingMessage, query: Record<string, string>, service: string, body: Buffer): void {
  const { method = "", url = "", headers } = request;
  const path = url.split("?")[0] ?? "";
  // Our own endpoint, whatever it is signed for, has no model.
  if (!file || service === "execute-api" || path === "/live/mcp") return;
  // Objects, and what is said to workers, are no part of a service's model.
  const isPayload = service === "s3" || /\/invocations\/?$/.test(path);
  const sent = {
    service,
    method,
    path,
    query,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("x-amz"))),
    ...(!isPayload && body.length > 0 && { body: fieldsOf(body.toString(), String(headers["content-type"])) }),
  };
  const shape = JSON.stringify([
    service,
    method,
    headers["x-amz-target"] ?? path.replaceAll(/[^/]*(?:%3A|[0-9])[^/]*/gi, "*"),
    Object.keys(query),
    Object.keys(sent.headers),
    pathsOf(sent.body),
  ]);
  if (seen.has(shape)) return;
  seen.add(shape);
  appendFileSync(file, `${JSON.stringify(sent)}\n`);
}

const fieldsOf = (text: string, type: string): unknown =>
  type.startsWith("application/x-www-form-urlencoded")
    ? Object.fromEntries(new URLSearchParams(text))
    : (JSON.parse(text) as unknown);

/** Where a value has values: `a.b`, and `a.*` in lists. */
function pathsOf(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null) return [path];
  const paths = Object.entries(value).flatMap(([key, child]) =>
    pathsOf(child, `${path}.${Array.isArray(value) ? "*" : key}`),
  );
  return [...new Set(paths)].sort();
}
