import type * as z from "zod";
import { InvalidInputError } from "../contract/errors.ts";

/**
 * Texts that say where a page of an owner's tasks ended, and that serve this owner only. `read` throws InvalidInputError for
 * a text that `write` did not make for this owner.
 */
export function taskCursors<Position extends object>(positionSchema: z.ZodType<Position>) {
  return {
    write: (owner: string, position: Position): string => encode(JSON.stringify([markOf(owner), position])),
    read(owner: string, cursor: string): Position {
      const [mark, value] = parse(cursor);
      const position = positionSchema.safeParse(value);
      if (mark === markOf(owner) && position.success) return position.data;
      throw new InvalidInputError([{ path: "cursor", message: "is not one that list_tasks returned to you" }], {
        hint: "leave cursor out to begin with the newest task",
      });
    },
  };
}

/** Tells cursors of other owners apart, which is no secret: a listing never leaves its owner. FNV-1a of the UTF-16 units. */
function markOf(owner: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < owner.length; i++) hash = Math.imul(hash ^ owner.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function parse(cursor: string): unknown[] {
  try {
    const value: unknown = JSON.parse(atob(cursor.slice(0, 200).replaceAll("-", "+").replaceAll("_", "/")));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** As base64 that fits into an address; the text is ASCII. */
const encode = (text: string): string => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
