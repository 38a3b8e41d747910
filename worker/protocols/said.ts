import type { Problem } from "../../lib/contract/errors.ts";
import { isObject } from "../../lib/contract/json.ts";
import { previewText } from "../../lib/contract/preview.ts";
import type { NewEvent } from "../output/event-log.ts";
import type { Outcome } from "../runner.ts";

/** What an event says to somebody who reads along; undefined for what is not said to people, such as the log. */
export function saidBy({ type, message, payload }: NewEvent): string | undefined {
  if (type === "agent.message" || type === "task.progress") return message?.toString() || undefined;
  return type === "agent.tool_call" && typeof payload?.name === "string" ? `→ ${payload.name}` : undefined;
}

/** Longest text of an answer inside a message, in UTF-16 units. */
const MAX_TEXT_LENGTH = 1024 * 1024;

/** The answer of a turn: its text, and what of it is data. */
export function answerOf({ result }: Outcome): { text?: string; data?: unknown } {
  if (result === undefined) return {};
  const { output = undefined, result: data = undefined } = isObject(result) ? result : { output: result };
  if (output === undefined && data === undefined) return { data: result };
  const text = typeof output === "string" ? { text: previewText(output, MAX_TEXT_LENGTH) } : { data: output };
  return { ...(output !== undefined && text), ...(data !== undefined && data !== null && { data }) };
}

/** What an agent that could not finish says it needs; undefined when it needs nothing. */
export function needsOf({ result }: Outcome): string | undefined {
  if (!isObject(result) || result.outcome !== "needs_input") return undefined;
  return typeof result.needs === "string" ? result.needs : "the agent needs input";
}

/** A failure in one text, with what to do about it. */
export const reasonOf = ({ message, hint }: Problem): string => (hint === undefined ? message : `${message} (${hint})`);
