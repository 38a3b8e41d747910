import { isUtf8 } from "node:buffer";
import type { JsonObject } from "../../contract/json.ts";
import { elementsOf, isJson, membersOf, type Span, withMember } from "./json-text.ts";
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
  /** Of a single message: what it is, and what of its params the headers repeat. */
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
  if (!isUtf8(line) || !isJson(line))
    throw new MalformedError(PARSE_ERROR, "Parse error: a line of the input is not JSON");
  const elements = elementsOf(line);
  if (!elements) return readOne(line);
  if (elements.length === 0) throw new MalformedError(INVALID_REQUEST, "Invalid request: a batch of nothing");
  const refused: MalformedError[] = [];
  const parts = elements.flatMap(({ start, end }) => {
    try {
      return [readOne(line.subarray(start, end))];
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

function readOne(text: Buffer): Message {
  const members = membersOf(text);
  if (!members) throw new MalformedError(INVALID_REQUEST, "Invalid request: not a JSON-RPC message");
  const span = members.get("id");
  const spelled = span && text.toString("utf8", span.start, span.end);
  const id = spelled !== undefined && /^["\d-]/.test(spelled) ? spelled : undefined;
  if (span && id === undefined)
    throw new MalformedError(INVALID_REQUEST, "Invalid request: the id is neither a text nor a number");
  if (!members.has("method")) {
    if (id !== undefined && (members.has("result") || members.has("error")))
      return { text, ids: [], mayRepeat: true, keys: new Map() };
    throw new MalformedError(INVALID_REQUEST, "Invalid request: neither a method nor a result", id);
  }
  const method = valueAt(text, members.get("method"));
  if (typeof method !== "string")
    throw new MalformedError(INVALID_REQUEST, "Invalid request: the method is not a text", id);
  const params = told(text, members.get("params"));
  const repeating = repeatingOf(method, params.name);
  const keyed = repeating === "keyed" ? withKey(text, members.get("params")) : undefined;
  return {
    text: keyed?.text ?? text,
    ids: id === undefined ? [] : [id],
    mayRepeat: repeating === "freely" || keyed !== undefined,
    keys: new Map(id !== undefined && keyed ? [[id, keyed.key]] : []),
    method,
    params,
  };
}

const valueAt = (text: Buffer, span: Span | undefined): unknown =>
  span && JSON.parse(text.toString("utf8", span.start, span.end));

/** Of the params what the bridge has to know: the rest may be long. */
const told = (text: Buffer, params: Span | undefined): JsonObject => {
  const members = params && membersOf(text, params);
  return Object.fromEntries(
    ["name", "uri", "taskId", "_meta"].map((name) => [name, valueAt(text, members?.get(name))]),
  );
};

/**
 * The call with an idempotency key, its own or one made for it; undefined where there is nowhere to put it. It stands last:
 * `null` counts as left out, and of two the last one counts.
 */
function withKey(text: Buffer, params: Span | undefined): { text: Buffer; key: string } | undefined {
  const members = params && membersOf(text, params);
  if (!members) return undefined;
  const name = "idempotency_key";
  const key = `bridge-${crypto.randomUUID()}`;
  const spelled = JSON.stringify(key);
  const place = members.get("arguments");
  if (!place || text[place.start] === SMALL_N)
    return { text: withMember(text, params, "arguments", `{"${name}":${spelled}}`), key };
  const given = membersOf(text, place);
  const own = valueAt(text, given?.get(name));
  if (own != null) return { text, key: String(own) };
  return given && { text: withMember(text, place, name, spelled), key };
}

/** What `null` begins with. */
const SMALL_N = 0x6e;

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
