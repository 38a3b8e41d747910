import { isObject, type JsonObject } from "../../contract/json.ts";
import { elementsOf, membersOf, withMember } from "./json-text.ts";
import type { Line } from "./lines.ts";
import { repeatingOf } from "./repeating.ts";

/** One message of the client, or a batch of them, as it is posted. */
export type Message = {
  /** As it came, but for the idempotency key. */
  text: Buffer;
  /** Ids of the requests in it, each as the client spelled it: a number may be longer than one of ours. */
  ids: readonly string[];
  mayRepeat: boolean;
  /** The idempotency keys of the requests that carry one, by id. */
  keys: ReadonlyMap<string, string>;
  /** Of a batch: what in it is no message, and so is not posted. */
  refused?: readonly MalformedError[];
  /** Of a single message: what it is. */
  method?: string;
  params?: JsonObject;
};

/** JSON-RPC: what is not JSON, and what is JSON but no message. https://www.jsonrpc.org/specification#error_object */
const PARSE_ERROR = -32_700;
export const INVALID_REQUEST = -32_600;
export const INTERNAL_ERROR = -32_603;

/** A line that is no message: `code` is that of the answer, and `id` whose it is, as the client spelled it. */
export class MalformedError extends Error {
  readonly code: number;
  readonly id: string;

  constructor(code: number, message: string, id = "null") {
    super(message);
    this.code = code;
    this.id = id;
  }
}

/**
 * The message that a line is, or undefined when it is blank. A call that dispatches gets an idempotency key if it has none.
 * Throws MalformedError.
 */
export function messageIn(line: Line, maxBytes: number): Message | undefined {
  if ("text" in line) return line.text.toString("latin1").trim() === "" ? undefined : readMessage(line.text);
  const said = `Invalid request: the message has ${line.bytes} bytes, and at most ${maxBytes} are taken`;
  throw new MalformedError(INVALID_REQUEST, said, idNear(line.head.toString("latin1"), line.tail.toString("latin1")));
}

function readMessage(line: Buffer): Message {
  const value = parse(line);
  if (!Array.isArray(value)) return readOne(line, value);
  if (value.length === 0) throw new MalformedError(INVALID_REQUEST, "Invalid request: a batch of nothing");
  const refused: MalformedError[] = [];
  const parts = (elementsOf(line) ?? []).flatMap(({ start, end }, index) => {
    try {
      return [readOne(line.subarray(start, end), value[index])];
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      refused.push(error);
      return [];
    }
  });
  return {
    text: Buffer.from(`[${parts.map(({ text }) => text).join(",")}]`),
    ids: parts.flatMap(({ ids }) => ids),
    mayRepeat: parts.every(({ mayRepeat }) => mayRepeat),
    keys: new Map(parts.flatMap(({ keys }) => [...keys])),
    refused,
  };
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString());
  } catch {
    throw new MalformedError(PARSE_ERROR, "Parse error: a line of the input is not JSON");
  }
}

function readOne(text: Buffer, value: unknown): Message {
  const members = isObject(value) ? membersOf(text) : undefined;
  if (!isObject(value) || !members)
    throw new MalformedError(INVALID_REQUEST, "Invalid request: not a JSON-RPC message");
  const span = members.get("id");
  const id =
    span && (typeof value.id === "string" || typeof value.id === "number")
      ? text.toString("utf8", span.start, span.end)
      : undefined;
  if (span && id === undefined)
    throw new MalformedError(INVALID_REQUEST, "Invalid request: the id is neither a text nor a number");
  const { method, params } = value;
  if (method === undefined) {
    if (id !== undefined && ("result" in value || "error" in value))
      return { text, ids: [], mayRepeat: true, keys: new Map() };
    throw new MalformedError(INVALID_REQUEST, "Invalid request: neither a method nor a result", id);
  }
  if (typeof method !== "string")
    throw new MalformedError(INVALID_REQUEST, "Invalid request: the method is not a text", id);
  const known = isObject(params) ? params : {};
  const repeating = repeatingOf(method, known.name);
  const keyed = repeating === "keyed" ? withKey(text, known) : undefined;
  return {
    text: keyed?.text ?? text,
    ids: id === undefined ? [] : [id],
    mayRepeat: repeating === "freely" || keyed !== undefined,
    keys: new Map(id !== undefined && keyed ? [[id, keyed.key]] : []),
    method,
    params: known,
  };
}

/**
 * The call with an idempotency key, its own or one made for it; undefined where there is nowhere to put it. It stands last:
 * `null` counts as left out, and of two the last one counts.
 */
function withKey(text: Buffer, { arguments: given }: JsonObject): { text: Buffer; key: string } | undefined {
  if (isObject(given) && given.idempotency_key != null) return { text, key: String(given.idempotency_key) };
  const params = membersOf(text)?.get("params");
  if (!params) return undefined;
  const name = "idempotency_key";
  const key = `bridge-${crypto.randomUUID()}`;
  const spelled = JSON.stringify(key);
  if (given == null) return { text: withMember(text, params, "arguments", `{"${name}":${spelled}}`), key };
  const place = isObject(given) ? membersOf(text, params)?.get("arguments") : undefined;
  return place && { text: withMember(text, place, name, spelled), key };
}

/** The id of the request that a notification cancels, as the client spelled it. */
export function cancelledId({ text }: Message): string | undefined {
  const params = membersOf(text)?.get("params");
  const id = params && membersOf(text, params)?.get("requestId");
  return id && text.toString("utf8", id.start, id.end);
}

const ID = String.raw`"id"\s*:\s*(-?\d+|"[^"\\]{0,200}")`;
/** Behind nothing but texts, or as the last member of all: there it is no part of anything else. */
const idFirst = new RegExp(String.raw`^\s*\{\s*(?:"\w+"\s*:\s*"[^"\\]*"\s*,\s*)*${ID}`);
const idLast = new RegExp(String.raw`[,{]\s*${ID}\s*\}\s*$`);

/** The id of a message that is known by its ends alone, where they show it. */
const idNear = (head: string, tail: string): string | undefined => (idFirst.exec(head) ?? idLast.exec(tail))?.[1];
