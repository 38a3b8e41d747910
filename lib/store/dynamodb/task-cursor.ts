import { createHash } from "node:crypto";
import * as z from "zod";
import { taskIdSchema } from "../../contract/task.ts";
import { taskCursors } from "../cursor.ts";

/** Where a page of an owner's tasks ended. */
export type Position = { created: number; taskId: string };

const cursors = taskCursors(z.tuple([z.int(), taskIdSchema]), (text) =>
  createHash("sha256").update(text).digest("base64url"),
);

/** The position as a text that serves this owner only. */
export function writeCursor(owner: string, { created, taskId }: Position): string {
  return cursors.write(owner, [created, taskId]);
}

/** Throws InvalidInputError for a text that `writeCursor` did not make for this owner. */
export function readCursor(owner: string, cursor: string): Position {
  const [created, taskId] = cursors.read(owner, cursor);
  return { created, taskId };
}
