import { splitsPair } from "../preview.ts";

/**
 * How much one reply holds, as `replySize` counts it. Of what tokenizers take worst, random letters and rare scripts, this is
 * 20,000 tokens; assistants refuse answers of 25,000, or cut them after 48,000 bytes.
 */
export const MAX_REPLY = 28_000;
/** What a list has besides its items: a cursor. */
export const LIST_ENDS = 2500;

/**
 * The size of a value in a reply: ASCII counts one per character, other characters three per UTF-16 unit, because tokens hold
 * fewer of them. A client reads either the text of a reply or its structured content, so it counts once.
 */
export function replySize(value: unknown): number {
  const text = JSON.stringify(value) ?? "";
  let size = text.length;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) size += 2;
  return size;
}

/** The longest beginning of a text that fits, without splitting a surrogate pair; at least one character. */
export function fittingLength(text: string, room: number): number {
  let length = text.length;
  for (let size = replySize(text); size > room && length > 1; size = replySize(text.slice(0, length))) {
    length = Math.max(1, Math.min(length - 1, Math.floor((length * room) / size)));
  }
  return splitsPair(text, length) ? length + (length === 1 ? 1 : -1) : length;
}

/** The beginning of a text that fits; where more follows, it ends with an ellipsis. */
export function firstFitting(text: string, room: number): string {
  if (text.length <= room && replySize(text) <= room) return text;
  return `${text.slice(0, fittingLength(text.slice(0, Math.max(2, room)), room - ELLIPSIS))}…`;
}

const ELLIPSIS = 3;

/** How many of the first fit together. */
export function countFitting(values: readonly unknown[], room: number): number {
  let size = 0;
  const end = values.findIndex((value) => {
    size += replySize(value) + 1;
    return size > room;
  });
  return end < 0 ? values.length : end;
}

/**
 * The fullest answer that fits, where `make` is told how much room each of its parts may take: those that need less leave more
 * to the others. Where none fits, the shortest.
 */
export function fullest<T>(make: (share: number) => T, room: number): T {
  let answer = make(room);
  if (replySize(answer) <= room) return answer;
  answer = make(0);
  for (let [low, high] = [0, room]; high - low > 1; ) {
    const share = Math.floor((low + high) / 2);
    const fuller = make(share);
    if (replySize(fuller) <= room) [low, answer] = [share, fuller];
    else high = share;
  }
  return answer;
}
