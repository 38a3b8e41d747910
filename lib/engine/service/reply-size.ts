import { previewValue, splitsPair } from "../../contract/preview.ts";
import type { TaskRecord } from "../../contract/tools/task-record.ts";

/**
 * How much one reply holds, so that it stays below about 20,000 tokens, where assistants begin to refuse answers. ASCII
 * counts one per character; other characters count three, because a token holds fewer of them.
 */
export const MAX_REPLY = 50_000;

/** The size of a value in a reply. */
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

const PREVIEW = 4_000;
/** The parts of a record that can be long, the least missed first. */
const parts = [
  "input",
  "metadata",
  "inputRequests",
  "result",
  "progress",
  "target",
  "caller",
  "goal",
  "usage",
  "error",
] as const;

/** A record that fits into a reply: parts that are too long become previews, and `previews` names them. */
export function fitRecord(record: TaskRecord, room = MAX_REPLY): TaskRecord {
  let fitted = record;
  const previews: string[] = [];
  for (const part of parts) {
    if (replySize(fitted) <= room) break;
    const value = fitted[part];
    if (value === undefined || replySize(value) <= PREVIEW) continue;
    previews.push(part);
    fitted = { ...fitted, [part]: previewValue(value, PREVIEW), previews };
  }
  return fitted;
}
