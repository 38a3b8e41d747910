import type { Issue } from "../errors.ts";
import {
  ANSWER,
  type Asked,
  type InputRequests,
  type InputResponse,
  type InputResponses,
  inputResponseSchema,
  type Question,
} from "../input-requests.ts";
import { isObject, type JsonObject, parseJsonObject } from "../json.ts";
import { allowed, type Form, readValue, type Value } from "./form.ts";

/**
 * The answers in what a caller gave: `{action, content?}`, or plainly what was asked for, which is accepted with that: a
 * value where the form has one field, an object of fields elsewhere. Every issue has its path below `path`.
 */
export function readResponses(
  requests: InputRequests,
  given: JsonObject,
  path = "responses",
): { responses: InputResponses; issues: Issue[] } {
  const issues: Issue[] = [];
  const responses = Object.entries(given).map(([key, said]): [string, InputResponse] => {
    const at = `${path}.${key}`;
    const question = Object.hasOwn(requests, key) ? requests[key] : undefined;
    if (question) return [key, readResponse(question.params.requestedSchema, said, at, issues)];
    const open = Object.keys(requests).map((each) => JSON.stringify(each));
    issues.push({
      path: at,
      message: `is not asked; ${open.length > 0 ? `asked is ${open.join(", ")}` : "nothing is"}`,
    });
    return [key, { action: "cancel" }];
  });
  return { responses: Object.fromEntries(responses), issues };
}

function readResponse(form: Form, said: unknown, path: string, issues: Issue[]): InputResponse {
  if (isObject(said) && "action" in said) {
    const { success, data } = inputResponseSchema.safeParse({ ...said, content: said.content ?? {} });
    if (!success) {
      const message = 'must be {"action": "accept" | "decline" | "cancel", "content"?: the fields of its form}';
      issues.push({ path, message });
      return { action: "cancel" };
    }
    if (data.action !== "accept") return { action: data.action };
    return accepted(form, data.content ?? {}, `${path}.content`, issues);
  }
  if (isObject(said)) return accepted(form, said, path, issues);
  const [name, ...others] = Object.keys(form.properties);
  if (name !== undefined && others.length === 0) return accepted(form, { [name]: said }, path, issues);
  issues.push({ path, message: `must be an object with the fields ${fieldNames(form)}` });
  return { action: "cancel" };
}

const fieldNames = ({ properties }: Form): string => Object.keys(properties).join(", ") || "(none)";

function accepted(form: Form, given: JsonObject, path: string, issues: Issue[]): InputResponse {
  const content: [string, Value][] = [];
  for (const [name, said] of Object.entries(given)) {
    const known = Object.hasOwn(form.properties, name) ? form.properties[name] : undefined;
    const read = known && readValue(known, said);
    if (!known)
      issues.push({ path: `${path}.${name}`, message: `is no field of the form, which has ${fieldNames(form)}` });
    else if (read === undefined) issues.push({ path: `${path}.${name}`, message: `must be ${allowed(known)}` });
    else content.push([name, read]);
  }
  for (const name of form.required ?? [])
    if (!Object.hasOwn(given, name)) issues.push({ path: `${path}.${name}`, message: "is required" });
  return { action: "accept", content: Object.fromEntries(content) };
}

/**
 * What a person answered in text, as what a caller gives: answers by their keys if the text is such JSON, else the text
 * as the answer to the question that was asked first.
 */
export function responsesIn(text: string, requests: InputRequests): JsonObject {
  const said = parseJsonObject(text);
  if (said && Object.keys(said).length > 0 && Object.keys(said).every((key) => Object.hasOwn(requests, key)))
    return said;
  const [first] = Object.entries(requests);
  if (!first) return {};
  const [key, { params }] = first;
  const isOne = Object.keys(params.requestedSchema.properties).length === 1;
  return { [key]: said && (!isOne || "action" in said) ? said : text };
}

/** The answer that stands in the fields of a form by itself; undefined where one that is required has none. */
export function defaultResponse({ params: { requestedSchema } }: Question): InputResponse | undefined {
  const { properties, required = [] } = requestedSchema;
  const content = Object.entries(properties).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  const known = Object.fromEntries(content) as NonNullable<InputResponse["content"]>;
  return required.every((name) => Object.hasOwn(known, name)) ? { action: "accept", content: known } : undefined;
}

/**
 * An answer as a job reads it: to a form `{action, content?}`; to what was asked without one the text, or null where nobody
 * wants to answer.
 */
export function toldAnswer({ isFree }: Pick<Asked, "isFree">, response: InputResponse): unknown {
  if (!isFree) return response;
  return response.action === "accept" ? (response.content?.[ANSWER] ?? null) : null;
}
