import * as z from "zod";
import { isObject, type JsonObject } from "./json.ts";
import { previewText } from "./preview.ts";
import { allowed, type Form, formSchema, valueSchema } from "./questions/form.ts";

/**
 * What a job asks while it works, and what it is answered: forms of MCP, as a task of MCP carries them.
 * https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation
 */

const questionSchema = z.object({
  method: z.literal("elicitation/create"),
  params: z.object({ mode: z.literal("form"), message: z.string(), requestedSchema: formSchema }),
});
export type Question = z.infer<typeof questionSchema>;
/** What is asked now, by a key that no other question of the task ever has. */
export type InputRequests = Record<string, Question>;

export const inputResponseSchema = z.object({
  action: z.enum(["accept", "decline", "cancel"]),
  content: z.record(z.string(), valueSchema).exactOptional(),
});
/** What one question is answered: `content` has the fields of its form. */
export type InputResponse = z.infer<typeof inputResponseSchema>;
export type InputResponses = Record<string, InputResponse>;

/** The one field of a question that was asked without a form. */
export const ANSWER = "answer";
/** The key of a question that has no name. */
const UNNAMED = "question";
const MAX_QUESTIONS = 20;
const MAX_KEY_LENGTH = 100;
/** Of all questions of one event, as JSON, in UTF-16 units; of a longer one the text is cut, and the form is left out. */
const MAX_LENGTH = 12_000;

/**
 * A question as a worker states it, by the `name` that the job gave it, and by that as a key; `isFree` where it has no form
 * of its own, so that a plain text is its answer.
 */
export type Asked = { name: string; key: string; question: Question; isFree: boolean };

/**
 * The questions of an event, whichever way the job wrote them: a form of MCP, alone or by its key; or `{"key": "Which?"}`,
 * `{"key": {"message": "Which?", "default": "this"}}`, `{"message": "Which?"}`, or nothing but the event's own text. What is
 * no form of MCP is asked for as a text.
 */
export function readQuestions(payload: JsonObject = {}, text?: string): Asked[] {
  const named = isAlone(payload)
    ? [[UNNAMED, { ...(text !== undefined && { message: text }), ...payload }]]
    : undefined;
  const all = (named ?? Object.entries(payload).slice(0, MAX_QUESTIONS)) as [string, unknown][];
  const room = Math.floor(MAX_LENGTH / all.length);
  return all.map(([name, asked]) => ({ name, ...fitted(readQuestion(keyOf(name), asked), room) }));
}

/** The questions alone, as a task has them. */
export const inputRequestsOf = (payload: JsonObject, text?: string): InputRequests =>
  requestsOf(uniqueKeys(readQuestions(payload, text), new Set()));

/**
 * Questions by the keys that they have in their task: one that was used before gets a number. `used` learns of them.
 * https://github.com/modelcontextprotocol/ext-tasks/blob/main/specification/draft/tasks.md
 */
export function uniqueKeys(asked: readonly Asked[], used: Set<string>): Map<string, Asked> {
  const named = new Map<string, Asked>();
  for (const each of asked) {
    let key = each.key;
    for (let count = 2; used.has(key); count++) key = numbered(each.key, count);
    used.add(key);
    named.set(key, each);
  }
  return named;
}

/** No longer than a key may be: it is read again, as one. */
function numbered(key: string, count: number): string {
  const number = `-${count}`;
  return keyOf(key.slice(0, MAX_KEY_LENGTH - number.length)) + number;
}

/** What is asked, by the keys of the task. */
export const requestsOf = (asked: ReadonlyMap<string, Asked>): InputRequests =>
  Object.fromEntries([...asked].map(([key, { question }]) => [key, question]));

const ALONE = ["method", "params", "mode", "message", "requestedSchema", "default"];

/** Whether an event asks one thing, without a key; one called `message` asks with that text. */
const isAlone = (payload: JsonObject): boolean =>
  Object.keys(payload).length === 0 ||
  (Object.keys(payload).every((name) => ALONE.includes(name)) &&
    (typeof payload.message === "string" || payload.method === "elicitation/create"));

/** A name as a key that every door takes: `__proto__` is refused there. */
function keyOf(name: string): string {
  const key = name
    .replaceAll(/[\p{Cc}\p{Cs}]/gu, "")
    .slice(0, MAX_KEY_LENGTH)
    .replace(/\p{Cs}$/u, "");
  return key === "" || key === "__proto__" ? UNNAMED : key;
}

type Read = Omit<Asked, "name">;

function readQuestion(key: string, asked: unknown): Read {
  if (!isObject(asked)) return free(key, typeof asked === "string" && asked !== "" ? asked : key);
  if (asked.method === "elicitation/create" && isObject(asked.params)) return readQuestion(key, asked.params);
  const message = typeof asked.message === "string" && asked.message !== "" ? asked.message : NO_TEXT(key);
  const form = formSchema.safeParse(withDefaults(asked.requestedSchema, asked.default));
  if (!form.success) return free(key, message, asked.default);
  return { key, question: ask(message, form.data), isFree: false };
}

const NO_TEXT = (key: string): string => (key === UNNAMED ? "the agent needs input" : key);

const ask = (message: string, requestedSchema: Form): Question => ({
  method: "elicitation/create",
  params: { mode: "form", message, requestedSchema },
});

function free(key: string, message: string, otherwise?: unknown): Read {
  const field = { type: "string" as const, ...(typeof otherwise === "string" && { default: otherwise }) };
  const form: Form = { type: "object", properties: { [ANSWER]: field }, required: [ANSWER] };
  return { key, question: ask(message, form), isFree: true };
}

/** A default of the whole question stands in the fields of its form, where every client looks for it. */
function withDefaults(form: unknown, otherwise: unknown): unknown {
  if (!isObject(form) || !isObject(form.properties) || !isObject(otherwise)) return form;
  const properties = Object.entries(form.properties).map(([name, field]) => [
    name,
    isObject(field) && Object.hasOwn(otherwise, name) ? { ...field, default: otherwise[name] } : field,
  ]);
  return { ...form, properties: Object.fromEntries(properties) };
}

function fitted(asked: Read, room: number): Read {
  if (JSON.stringify(asked.question).length <= room) return asked;
  const { message, requestedSchema } = asked.question.params;
  const short = previewText(message, Math.floor(room / 2));
  const isShort = JSON.stringify(requestedSchema).length <= room / 2;
  return isShort ? { ...asked, question: ask(short, requestedSchema) } : free(asked.key, short);
}

/** What is asked, as a person reads it. */
export const questionText = (requests: InputRequests): string =>
  Object.values(requests)
    .map(({ params }) => params.message)
    .join("\n");

/** What may be answered, in words; undefined where any text is. */
export function allowedText({ params: { requestedSchema } }: Question): string | undefined {
  const fields = Object.entries(requestedSchema.properties);
  if (fields.length === 1 && fields[0]?.[0] === ANSWER && allowed(fields[0][1]) === "a text") return undefined;
  return fields
    .map(([name, field]) => (fields.length === 1 ? allowed(field) : `${name}: ${allowed(field)}`))
    .join(", ");
}
