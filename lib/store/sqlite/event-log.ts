import type { TaskEvent } from "../../contract/events.ts";
import { hasText, logEvent, logWindow } from "../log-window.ts";
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

  return {
    async appendEvents(events) {
      db.write(() => {
        for (const event of events) addEvent.run(event.taskId, event.sequence, JSON.stringify(event));
      });
    },

    async appendLog(added) {
      db.write(() => {
        for (const chunk of added.filter(hasText))
          addChunk.run(chunk.taskId, chunk.offset, chunk.sequence, chunk.stream, chunk.timestamp, encode(chunk.text));
      });
    },

    async listEvents(taskId, after, limit) {
      const rows = db.read(() => eventsAfter.all({ taskId, after, limit: Math.max(0, limit) }) as EventRow[]);
      return rows.map(
        ({ body, text, ...row }): TaskEvent =>
          body === null ? logEvent({ taskId, ...row, text: decode(text) }) : JSON.parse(body),
      );
    },

    async readLog(taskId, cursor, limit) {
      const window = logWindow(cursor, limit);
      return db.read(() => {
        const first = chunkAt.get(taskId, window.from) as Pick<ChunkRow, "offset"> | undefined;
        const rows = first ? (chunks.all(taskId, first.offset, window.to) as ChunkRow[]) : [];
        return window.cut(rows.map(({ offset, text }) => ({ offset, text: decode(text) })));
      });
    },

    forgetEvents(taskId) {
      removeEvents.run(taskId);
      removeLog.run(taskId);
    },
  };
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
