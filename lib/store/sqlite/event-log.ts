import type { TaskEvent } from "../../contract/events.ts";
import type { LogChunk, TaskStore } from "../port.ts";
import type { Database } from "./database.ts";

type EventLog = Pick<TaskStore, "appendEvents" | "appendLog" | "listEvents" | "readLog"> & {
  /** Deletes what a task left, inside the caller's transaction. */
  forgetEvents(taskId: string): void;
};

type ChunkRow = { offset: number; text: string | Uint8Array };
type EventRow = { sequence: number; body: string | null; timestamp: string; stream: string } & ChunkRow;

/** Events and log text of all tasks. */
export function eventLog(db: Database): EventLog {
  const addEvent = db.prepare("INSERT INTO events VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  const addChunk = db.prepare("INSERT INTO log VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
  const eventsAfter = db.prepare(
    `SELECT sequence, body, '' AS timestamp, '' AS stream, 0 AS offset, '' AS text
       FROM events WHERE task_id = :taskId AND sequence > :after
     UNION ALL
     SELECT sequence, NULL, timestamp, stream, offset, text FROM log WHERE task_id = :taskId AND sequence > :after
     ORDER BY sequence LIMIT :limit`,
  );
  const chunkAt = db.prepare("SELECT offset FROM log WHERE task_id = ? AND offset <= ? ORDER BY offset DESC LIMIT 1");
  const chunks = db.prepare(
    "SELECT offset, text FROM log WHERE task_id = ? AND offset >= ? AND offset <= ? ORDER BY offset",
  );
  const removeEvents = db.prepare("DELETE FROM events WHERE task_id = ?");
  const removeLog = db.prepare("DELETE FROM log WHERE task_id = ?");

  /** Text from the chunk that holds `from` up to and including the unit `to`, as far as it is there without a gap. */
  const textAround = (taskId: string, from: number, to: number) => {
    const first = chunkAt.get(taskId, from) as ChunkRow | undefined;
    const base = first?.offset ?? 0;
    let text = "";
    for (const chunk of chunks.all(taskId, base, to) as ChunkRow[]) {
      if (chunk.offset !== base + text.length) break;
      text += decode(chunk.text);
    }
    return { base, text };
  };

  return {
    async appendEvents(events) {
      db.write(() => {
        for (const event of events) addEvent.run(event.taskId, event.sequence, JSON.stringify(event));
      });
    },

    async appendLog(added) {
      db.write(() => {
        // A chunk without text would take the place of the one that begins where it ends.
        for (const chunk of added.filter(({ text }) => text !== ""))
          addChunk.run(chunk.taskId, chunk.offset, chunk.sequence, chunk.stream, chunk.timestamp, encode(chunk.text));
      });
    },

    async listEvents(taskId, after, limit) {
      const rows = db.read(() => eventsAfter.all({ taskId, after, limit: Math.max(0, limit) }) as EventRow[]);
      return rows.map((row) => (row.body === null ? logEvent(taskId, row) : (JSON.parse(row.body) as TaskEvent)));
    },

    async readLog(taskId, cursor, limit) {
      const wanted = Number.isFinite(cursor) ? Math.max(0, Math.trunc(cursor)) : 0;
      const most = Math.max(0, Math.trunc(limit));
      // One unit more on either side tells whether a pair would be split there.
      const { base, text } = db.read(() => textAround(taskId, Math.max(0, wanted - 1), wanted + most + 1));
      let start = Math.min(wanted - base, text.length);
      if (splitsPair(text, start)) start -= 1;
      let end = Math.min(start + most, text.length);
      if (splitsPair(text, end)) end += end - 1 > start ? -1 : 1;
      return { data: text.slice(start, end), cursor: base + start, nextCursor: base + end };
    },

    forgetEvents(taskId) {
      removeEvents.run(taskId);
      removeLog.run(taskId);
    },
  };
}

/** Whether a cut before the unit at `index` would go through a surrogate pair. */
function splitsPair(text: string, index: number): boolean {
  return (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
}

function logEvent(taskId: string, row: EventRow): TaskEvent {
  const { sequence, timestamp, stream, offset } = row;
  return { taskId, sequence, type: "task.log", timestamp, message: decode(row.text), payload: { stream, offset } };
}

/** SQLite keeps text as UTF-8, which cannot hold half a surrogate pair: such text is kept as UTF-16. */
function encode(text: LogChunk["text"]): string | Uint8Array {
  return text.isWellFormed() ? text : Buffer.from(text, "utf16le");
}

function decode(text: string | Uint8Array): string {
  return typeof text === "string"
    ? text
    : Buffer.from(text.buffer, text.byteOffset, text.byteLength).toString("utf16le");
}
