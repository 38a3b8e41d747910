import { createHash } from "node:crypto";
import { InvalidInputError } from "../domain/errors.ts";
import { taskIdSchema } from "../domain/task.ts";

/** Where a page of an owner's tasks ended. */
export type Position = { created: number; taskId: string };

/** The position as a text that serves this owner only. */
export function writeCursor(owner: string, { created, taskId }: Position): string {
  return Buffer.from(JSON.stringify([tag(owner), created, taskId])).toString("base64url");
}

/** Throws InvalidInputError for a text that `writeCursor` did not make for this owner. */
export function readCursor(owner: string, cursor: string): Position {
  const [mark, created, id] = parse(cursor);
  const taskId = taskIdSchema.safeParse(id);
  if (mark !== tag(owner) || !Number.isSafeInteger(created) || !taskId.success)
    throw new InvalidInputError([{ path: "cursor", message: "is not one that list_tasks returned to you" }], {
      hint: "leave cursor out to begin with the newest task",
    });
  return { created: Number(created), taskId: taskId.data };
}

function parse(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor.slice(0, 200), "base64url").toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function tag(owner: string): string {
  return createHash("sha256").update(owner).digest("base64url").slice(0, 16);
}
