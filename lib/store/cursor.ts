import type * as z from "zod";
import { InvalidInputError } from "../contract/errors.ts";

/**
 * Texts that say where a page of an owner's tasks ended, and that serve this owner only: each carries a mark of the owner,
 * made with `hash`. `read` throws InvalidInputError for a text that `write` did not make for this owner.
 */
export function taskCursors<Position extends unknown[]>(
  positionSchema: z.ZodType<Position>,
  hash: (text: string) => string,
) {
  const markOf = (owner: string) => hash(owner).slice(0, 16);
  return {
    write: (owner: string, position: Position): string => encode(JSON.stringify([markOf(owner), ...position])),
    read(owner: string, cursor: string): Position {
      const [mark, ...rest] = parse(cursor);
      const position = positionSchema.safeParse(rest);
      if (mark === markOf(owner) && position.success) return position.data;
      throw new InvalidInputError([{ path: "cursor", message: "is not one that list_tasks returned to you" }], {
        hint: "leave cursor out to begin with the newest task",
      });
    },
  };
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
