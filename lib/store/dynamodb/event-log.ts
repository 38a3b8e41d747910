import type { TaskEvent } from "../../contract/events.ts";
import { RETENTION_DAYS } from "../../contract/task.ts";
import { FIRST_WORKER_SEQUENCE } from "../../contract/worker.ts";
import type { LogChunk, TaskStore } from "../port.ts";
import { packText, unpackText } from "./compression.ts";
import type { Item, Items } from "./items.ts";
import { eventSort, type Key, lastEvent, lastLog, logSort, taskPartition } from "./keys.ts";

/** Events outlive the task that they belong to, however long it was queued and ran. */
const MARGIN_DAYS = 30;
/** Epoch seconds from which what belongs to a task may be deleted: after the task itself. */
export const beyondRetention = (nowMs: number, retentionDays: number): number =>
  Math.ceil(nowMs / 1000) + (retentionDays + MARGIN_DAYS) * 86_400;
/** Requests under way at once for one call. */
const PARALLEL = 24;
/** How far back a follower is looked for before the log is searched. */
const TAIL = 20;

type Chunk = { offset: number; sequence: number; stream: string; timestamp: string; text: string };

/** Events and log text of all tasks, an item each. */
export function eventLog(
  items: Items,
  now: () => number,
  retentionDays = RETENTION_DAYS,
): Pick<TaskStore, "appendEvents" | "appendLog" | "listEvents" | "readLog"> {
  const expires = () => beyondRetention(now(), retentionDays);
  const between = (taskId: string, from: string, to: string) => ({
    expression: "#pk = :pk AND #sk BETWEEN :from AND :to",
    values: { pk: taskPartition(taskId), from, to },
  });

  /** A put without a condition would cost the same and replace what is there, so nothing is written in batches. */
  const putNew = (added: (Key & Item)[]) =>
    inParallel(added, async (item) => {
      await items.put(item, { expression: "attribute_not_exists(#pk)" });
    });

  const firstChunk = async (taskId: string, from: number): Promise<Chunk | undefined> => {
    const [item] = await items.first({ where: between(taskId, logSort(from), lastLog) }, 1);
    return item && toChunk(item);
  };

  /** An offset at or before the first chunk with a greater sequence, with no other chunk between; undefined without one. */
  const offsetAfter = async (taskId: string, after: number): Promise<number | undefined> => {
    if (after < FIRST_WORKER_SEQUENCE) return 0;
    const where = between(taskId, logSort(0), lastLog);
    const tail = (await items.first({ where, newestFirst: true }, TAIL)).map(toChunk);
    const next = tail.findLast(({ sequence }) => sequence > after);
    if (next === undefined) return undefined;
    if (tail.some(({ sequence }) => sequence <= after) || tail.length < TAIL) return next.offset;
    // Sequences grow with offsets, so the place is found by halving.
    let low = 0;
    let high = next.offset;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const chunk = await firstChunk(taskId, middle);
      if (chunk && chunk.sequence <= after) low = chunk.offset + 1;
      else high = middle;
    }
    return low;
  };

  const chunksAfter = async (taskId: string, after: number, limit: number): Promise<TaskEvent[]> => {
    const from = await offsetAfter(taskId, after);
    if (from === undefined) return [];
    const found = await items.first({ where: between(taskId, logSort(from), lastLog) }, limit);
    return found
      .map(toChunk)
      .filter(({ sequence }) => sequence > after)
      .map((chunk) => logEvent(taskId, chunk));
  };

  /** Text from the chunk that holds `from` up to and including the unit `to`, as far as it is there without a gap. */
  const textAround = async (taskId: string, from: number, to: number) => {
    const before = { where: between(taskId, logSort(0), logSort(from)), newestFirst: true };
    const [first] = await items.first(before, 1);
    let { offset: base, text } = first ? toChunk(first) : { offset: 0, text: "" };
    const start = base + text.length;
    if (to < start) return { base, text };
    for await (const page of items.pages({ where: between(taskId, logSort(start), logSort(to)) })) {
      for (const chunk of page.map(toChunk)) {
        if (chunk.offset !== base + text.length) return { base, text };
        text += chunk.text;
      }
    }
    return { base, text };
  };

  return {
    async appendEvents(events) {
      await putNew(
        events.map((event) => ({
          pk: taskPartition(event.taskId),
          sk: eventSort(event.sequence),
          event: JSON.stringify(event),
          expires: expires(),
        })),
      );
    },

    async appendLog(chunks) {
      // A chunk without text would take the place of the one that begins where it ends.
      await putNew(chunks.filter(({ text }) => text !== "").map((chunk) => toItem(chunk, expires())));
    },

    async listEvents(taskId, after, limit) {
      const where = between(taskId, eventSort(Math.max(0, after + 1)), lastEvent);
      const [events, chunks] = await Promise.all([
        items.first({ where }, limit),
        limit < 1 ? [] : chunksAfter(taskId, after, limit),
      ]);
      const all = [...events.map(({ event }) => JSON.parse(String(event)) as TaskEvent), ...chunks];
      return all.sort((a, b) => a.sequence - b.sequence).slice(0, Math.max(0, limit));
    },

    async readLog(taskId, cursor, limit) {
      const wanted = Number.isFinite(cursor) ? Math.max(0, Math.trunc(cursor)) : 0;
      const most = Math.max(0, Math.trunc(limit));
      // One unit more on either side tells whether a pair would be split there.
      const { base, text } = await textAround(taskId, Math.max(0, wanted - 1), wanted + most + 1);
      let start = Math.min(wanted - base, text.length);
      if (splitsPair(text, start)) start -= 1;
      let end = Math.min(start + most, text.length);
      if (splitsPair(text, end)) end += end - 1 > start ? -1 : 1;
      return { data: text.slice(start, end), cursor: base + start, nextCursor: base + end };
    },
  };
}

/** Whether a cut before the unit at `index` would go through a surrogate pair. */
function splitsPair(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
}

function toItem({ taskId, offset, sequence, stream, timestamp, text }: LogChunk, expires: number): Key & Item {
  return {
    pk: taskPartition(taskId),
    sk: logSort(offset),
    offset,
    sequence,
    stream,
    timestamp,
    expires,
    ...packText(text),
  };
}

function toChunk(item: Item): Chunk {
  const { offset, sequence, stream, timestamp } = item as Chunk;
  return { offset, sequence, stream, timestamp, text: unpackText(item) };
}

function logEvent(taskId: string, { offset, sequence, stream, timestamp, text }: Chunk): TaskEvent {
  return { taskId, sequence, type: "task.log", timestamp, message: text, payload: { stream, offset } };
}

/** Does `work` for each, a few at once; nothing more is begun once one has failed. */
async function inParallel<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let one = all[next++]; one !== undefined; one = all[next++]) {
      try {
        await work(one);
      } catch (error) {
        next = all.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, all.length) }, worker));
}
