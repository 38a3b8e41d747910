import type { TaskEvent } from "../../contract/events.ts";
import { RETENTION_DAYS } from "../../contract/task.ts";
import { FIRST_WORKER_SEQUENCE } from "../../contract/worker.ts";
import { hasText, logEvent, logWindow } from "../log-window.ts";
import type { LogChunk, TaskStore } from "../port.ts";
import { beyondRetention } from "../retention.ts";
import { packText, unpackText } from "./compression.ts";
import type { Item, Items } from "./items.ts";
import { eventSort, type Key, lastEvent, lastLog, logSort, taskPartition } from "./keys.ts";

/** Requests under way at once for one call. */
const PARALLEL = 24;
/** How far back a follower is looked for before the log is searched. */
const TAIL = 20;

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

  const firstChunk = async (taskId: string, from: number): Promise<LogChunk | undefined> => {
    const [item] = await items.first({ where: between(taskId, logSort(from), lastLog) }, 1);
    return item && toChunk(taskId, item);
  };

  /** An offset at or before the first chunk with a greater sequence, with no other chunk between; undefined without one. */
  const offsetAfter = async (taskId: string, after: number): Promise<number | undefined> => {
    if (after < FIRST_WORKER_SEQUENCE) return 0;
    const where = between(taskId, logSort(0), lastLog);
    const tail = (await items.first({ where, newestFirst: true }, TAIL)).map((item) => toChunk(taskId, item));
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
      .map((item) => toChunk(taskId, item))
      .filter(({ sequence }) => sequence > after)
      .map(logEvent);
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
      await putNew(chunks.filter(hasText).map((chunk) => toItem(chunk, expires())));
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
      const window = logWindow(cursor, limit);
      const upToHere = { where: between(taskId, logSort(0), logSort(window.from)), newestFirst: true };
      const chunks = (await items.first(upToHere, 1)).map((item) => toChunk(taskId, item));
      const next = chunks[0] && chunks[0].offset + chunks[0].text.length;
      if (next !== undefined && next <= window.to)
        for await (const page of items.pages({ where: between(taskId, logSort(next), logSort(window.to)) }))
          chunks.push(...page.map((item) => toChunk(taskId, item)));
      return window.cut(chunks);
    },
  };
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

function toChunk(taskId: string, item: Item): LogChunk {
  const { offset, sequence, stream, timestamp } = item as LogChunk;
  return { taskId, offset, sequence, stream, timestamp, text: unpackText(item) };
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
