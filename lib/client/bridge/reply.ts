import { isUtf8 } from "node:buffer";
import { type DispatchError, RefusedError } from "../../contract/errors.ts";
import { elementsOf, inOneLine, membersOf, replaced, type Span, withMember } from "./json-text.ts";
import { INTERNAL_ERROR, type MalformedError } from "./message.ts";

const [BRACE, QUOTE] = [0x7b, 0x22];

/** A message for the client, and which of its requests it answers, if any. */
export type Passed = { text: Buffer; answers?: string };

/**
 * What arrived for the requests in `open` as lines for the client: notifications and requests of the server, and the answers,
 * each with the id as the client spelled it. Throws RefusedError `endpoint.failed` for what is not JSON-RPC.
 */
export function* passedOn(arrived: Buffer, open: ReadonlySet<string>): Generator<Passed> {
  const elements = elementsOf(arrived);
  const texts = elements ? elements.map(({ start, end }) => arrived.subarray(start, end)) : [arrived];
  for (const text of texts) yield* passOn(inOneLine(text), open);
}

function* passOn(text: Buffer, open: ReadonlySet<string>): Generator<Passed> {
  const members = membersOf(text);
  const spelled = (name: string): string | undefined => {
    const span = members?.get(name);
    return span && text.toString("utf8", span.start, span.end);
  };
  // A client that cannot read an answer would wait for it for ever.
  if (!members || spelled("jsonrpc") !== '"2.0"' || !isUtf8(text)) throw notJsonRpc();
  if (members.has("method")) return yield { text };
  if (!isAnswer(text, members)) throw notJsonRpc();
  const place = members.get("id");
  const id = spelled("id");
  if (id !== undefined && open.has(id)) return yield { text, answers: id };
  const whole = { start: text.indexOf("{"), end: text.lastIndexOf("}") + 1 };
  for (const asked of open) {
    // An error that names no request is about whatever was sent.
    const isMeant = id === undefined || id === "null" ? members.has("error") : isSameId(id, asked);
    if (isMeant)
      yield { text: place ? replaced(text, place, asked) : withMember(text, whole, "id", asked), answers: asked };
  }
}

/**
 * Either an object that is the result, or an error with a code and a message:
 * https://www.jsonrpc.org/specification#response_object
 */
function isAnswer(text: Buffer, members: ReadonlyMap<string, Span>): boolean {
  const [result, error] = [members.get("result"), members.get("error")];
  if (!error) return result !== undefined && text[result.start] === BRACE;
  const said = membersOf(text, error);
  const [code, message] = [said?.get("code"), said?.get("message")];
  if (result || !code || !message) return false;
  return Number.isInteger(Number(text.toString("utf8", code.start, code.end))) && text[message.start] === QUOTE;
}

/** Whether two spellings are the same id to a server that parsed it. */
const isSameId = (one: string, other: string): boolean => JSON.parse(one) === JSON.parse(other);

const notJsonRpc = () =>
  new RefusedError("endpoint.failed", "the endpoint answered with JSON that is no JSON-RPC", {
    hint: "look whether this is the address of an MCP endpoint",
  });

/** The answer to a request that got none from the endpoint: what happened, and what to do. */
export function errorAnswer(id: string, error: DispatchError): Buffer {
  const { message, hint } = error;
  const said = {
    code: INTERNAL_ERROR,
    message: hint === undefined ? message : `${message}; ${hint}`,
    data: error.problem,
  };
  return answerOf(id, said);
}

/** The answer to a line that was no message. */
export const malformedAnswer = ({ id, code, message }: MalformedError): Buffer => answerOf(id, { code, message });

const answerOf = (id: string, error: object): Buffer =>
  Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(error)}}`);
