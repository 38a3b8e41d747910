import { isObject } from "../../contract/json.ts";
import { splitsPair } from "../../contract/preview.ts";
import { fittingLength, MAX_REPLY, replySize } from "../../contract/replies/reply-size.ts";
import type { Task } from "../../contract/task.ts";
import { answerView } from "../record.ts";

/** Size of a whole reply when the caller names no number of characters: a client cuts none that is as long. */
const USUAL_REPLY = 16_000;
/** What may stand beside the text of an answer, as a reply counts it. */
const MAX_BESIDE = 4_000;

/**
 * A result as a text that is read in pages: a text as it is; of an agent's answer its `output`, where all that it has besides
 * is short; of one that was asked for JSON that; of anything else its JSON.
 */
export function textOf(answer: Pick<Task, "result" | "responseFormat">): { text: string; beside?: object } {
  const { result, parsedResult } = answerView(answer);
  if (parsedResult !== undefined) {
    const text = JSON.stringify(parsedResult);
    return replySize(result) <= MAX_BESIDE ? { text, beside: result as object } : { text };
  }
  if (result === undefined) return { text: "" };
  if (typeof result === "string") return { text: result };
  if (isObject(result) && typeof result.output === "string") {
    const { output, ...beside } = result;
    if (replySize(beside) <= MAX_BESIDE) return { text: output, beside };
  }
  return { text: JSON.stringify(result) };
}

/** A page of a result: where it begins and goes on, in UTF-16 units of the text, never inside of a surrogate pair. */
export type TextPage = { text: string; offset: number; nextOffset?: number; textLength: number };

/** The text from an offset on, as many characters as are asked for and as fit beside what the reply has already. */
export function pageOf(
  text: string,
  { offset, maxChars, taken }: { offset: number; maxChars?: number | undefined; taken: number },
): TextPage {
  const from = splitsPair(text, Math.min(offset, text.length)) ? offset - 1 : Math.min(offset, text.length);
  const asked = text.slice(from, from + (maxChars ?? text.length));
  const room = (maxChars === undefined ? USUAL_REPLY : MAX_REPLY) - taken - 100;
  const length = fittingLength(asked, Math.max(room, 1000));
  const cut = from + length;
  const end = splitsPair(text, cut) ? cut + (length > 1 ? -1 : 1) : cut;
  const page = { text: text.slice(from, end), offset: from, textLength: text.length };
  return end < text.length ? { ...page, nextOffset: end } : page;
}
