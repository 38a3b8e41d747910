import * as z from "zod";
import type { Task } from "../../contract/task.ts";
import { taskCursors } from "../cursor.ts";
import type { TaskStore } from "../port.ts";
import type { Database } from "./database.ts";
import type { TaskRow } from "./task-reading.ts";

/** Where a page of an owner's tasks ended; `number` is that of the row. */
type Position = { createdMs: number; number: number };
const cursors = taskCursors<Position>(z.object({ createdMs: z.int(), number: z.int() }));
const FIRST: Position = { createdMs: Number.MAX_SAFE_INTEGER, number: Number.MAX_SAFE_INTEGER };

type ListedRow = TaskRow & { number: number; created_ms: number };

type Options = {
  /** The task of a row, or none where the row is damaged. */
  readable(row: TaskRow): Task[];
  /** Epoch seconds by which tasks expire. */
  seconds(): number;
};

/** Lists of tasks. */
export function taskLists(db: Database, { readable, seconds }: Options): Pick<TaskStore, "list" | "listDue"> {
  const ofOwner = db.prepare(listing(""));
  const ofStatus = db.prepare(listing("AND status = :status"));
  const due = { queued: db.prepare(dueListings.queued), begun: db.prepare(dueListings.begun) };

  return {
    async list(owner, { status, limit, cursor }) {
      const from = cursor === undefined ? FIRST : cursors.read(owner, cursor);
      const most = Math.max(1, limit);
      const query = { owner, ...from, seconds: seconds(), limit: most + 1 };
      const rows = db.read(() => (status ? ofStatus.all({ ...query, status }) : ofOwner.all(query))) as ListedRow[];
      const items = rows.slice(0, most).flatMap(readable);
      const last = rows.length > most ? rows[most - 1] : undefined;
      if (!last) return { items };
      return { items, cursor: cursors.write(owner, { createdMs: last.created_ms, number: last.number }) };
    },

    async listDue(atMs, limit, among = "all") {
      const wanted = among === "all" ? [due.queued, due.begun] : [due[among]];
      const rows = db.read(() => wanted.flatMap((each) => each.all(atMs, limit))) as { id: string; due_ms: number }[];
      const inOrder = rows.sort((a, b) => a.due_ms - b.due_ms);
      return inOrder.slice(0, limit).map(({ id }) => id);
    },
  };
}

/**
 * A page of an owner's tasks, the newest first. A statement for each condition: one that may be left out would keep SQLite
 * from its index.
 */
export const listing = (condition: "" | "AND status = :status"): string =>
  `SELECT number, id, created_ms, body FROM tasks
   WHERE owner = :owner ${condition} AND (created_ms, number) < (:createdMs, :number)
     AND (expires_s IS NULL OR expires_s > :seconds)
   ORDER BY created_ms DESC, number DESC LIMIT :limit`;

const dueListing = (status: string): string =>
  `SELECT id, due_ms FROM tasks WHERE due_ms <= ? AND status ${status} ORDER BY due_ms LIMIT ?`;

/** Open tasks that are due: those that wait and the others have an index each. */
export const dueListings = { queued: dueListing("= 'queued'"), begun: dueListing("<> 'queued'") };
