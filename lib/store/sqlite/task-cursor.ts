import { createHash } from "node:crypto";
import * as z from "zod";
import { taskCursors } from "../cursor.ts";

/** Where a page of an owner's tasks ended. */
export type Position = { createdMs: number; number: number };

const cursors = taskCursors(z.tuple([z.int(), z.int()]), (text) =>
  createHash("sha256").update(text).digest("base64url"),
);

/** The position as a text that says nothing to whoever holds it, and that serves this owner only. */
export function writeCursor(owner: string, { createdMs, number }: Position): string {
  return cursors.write(owner, [createdMs, number]);
}

/** Throws InvalidInputError for a text that `writeCursor` did not make for this owner. */
export function readCursor(owner: string, cursor: string): Position {
  const [createdMs, number] = cursors.read(owner, cursor);
  return { createdMs, number };
}
