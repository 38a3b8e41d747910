import type { TaskEvent } from "../contract/events.ts";
import { splitsPair } from "../contract/preview.ts";
import type { LogChunk } from "./port.ts";

/** A chunk that holds text; one without would take the place of the one that begins where it ends, and is not kept. */
export const hasText = ({ text }: LogChunk): boolean => text !== "";

/** A chunk as the event that it is. */
export function logEvent({ taskId, offset, sequence, stream, timestamp, text }: LogChunk): TaskEvent {
  return { taskId, sequence, type: "task.log", timestamp, message: text, payload: { stream, offset } };
}

export type LogWindow = { data: string; cursor: number; nextCursor: number };

/**
 * Which part of a log `readLog` needs for a reply, in UTF-16 units: the text from the unit `from` up to and including the unit
 * `to`. `cut` makes the reply of the chunks that hold it, in order: the first is the one that holds `from`, and what lies
 * behind a gap is left out. Without a chunk that holds `from` there is no text.
 */
export function logWindow(cursor: number, limit: number) {
  const wanted = Number.isFinite(cursor) ? Math.max(0, Math.trunc(cursor)) : 0;
  const most = Math.max(0, Math.trunc(limit));
  return {
    // One unit more on either side tells whether a pair would be split there.
    from: Math.max(0, wanted - 1),
    to: wanted + most + 1,
    cut(chunks: readonly Pick<LogChunk, "offset" | "text">[]): LogWindow {
      const base = chunks[0]?.offset ?? 0;
      let text = "";
      for (const chunk of chunks) {
        if (chunk.offset !== base + text.length) break;
        text += chunk.text;
      }
      let start = Math.min(wanted - base, text.length);
      if (splitsPair(text, start)) start -= 1;
      let end = Math.min(start + most, text.length);
      if (splitsPair(text, end)) end += end - 1 > start ? -1 : 1;
      return { data: text.slice(start, end), cursor: base + start, nextCursor: base + end };
    },
  };
}
