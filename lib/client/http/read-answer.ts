import { Readable } from "node:stream";
import { isObject } from "../../contract/json.ts";
import type { Answer, Refusal } from "./door.ts";
import { ConnectionFailure } from "./request.ts";

/** Longest answer that is read of something else than the endpoint, in bytes; what is behind it says nothing more. */
const MAX_REFUSAL = 64 * 1024;
/** Longest error of the protocol, in bytes. */
const MAX_ERROR = 10 * 1024 * 1024;

/**
 * An answer of the protocol as it came, or what another answered in the endpoint's place, read. An error of the protocol may
 * come with any status. Throws ConnectionFailure when such an answer breaks off.
 */
export async function readAnswer(answer: Answer): Promise<Answer | Refusal> {
  const { status, headers, body } = answer;
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase();
  const isJson = type === "application/json";
  if (status >= 200 && status < 300) {
    const isEmpty = type === undefined && (status === 202 || status === 204 || headers["content-length"] === "0");
    if (isJson || type === "text/event-stream" || isEmpty) return answer;
  }
  const bytes = await start(body, isJson ? MAX_ERROR : MAX_REFUSAL).catch((error) => {
    throw new ConnectionFailure(error, true);
  });
  if (isJson && isProtocol(bytes)) return { ...answer, body: Readable.from([bytes]) };
  const flat = Object.entries(headers).map(([name, value]) => [name, String(value)]);
  return { status, headers: Object.fromEntries(flat), text: bytes.subarray(0, MAX_REFUSAL).toString() };
}

/** The bytes of a body, at most so many. */
async function start(body: Readable, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > most) break;
  }
  return Buffer.concat(chunks);
}

function isProtocol(bytes: Buffer): boolean {
  try {
    const message: unknown = JSON.parse(bytes.toString());
    return Array.isArray(message) ? message.length > 0 : isObject(message) && message.jsonrpc === "2.0";
  } catch {
    return false;
  }
}
