import type { Logger } from "../contract/logger.ts";
import { type WarmSession, warmSessionSchema } from "../contract/runtimes.ts";
import type { WarmEdit } from "./port.ts";

/** The record that an edit leaves, with its next revision; undefined where it leaves all as it is. */
export function editedWarm(id: string, seen: WarmSession | undefined, edit: WarmEdit): WarmSession | undefined {
  const next = edit(seen);
  return next && { ...next, id, revision: (seen?.revision ?? 0) + 1 };
}

/** Those of the records that can be read; the others are told of. */
export const readableWarm = (bodies: readonly unknown[], log?: Logger): WarmSession[] =>
  bodies.flatMap((body) => {
    try {
      return parseWarm(body);
    } catch (error) {
      log?.error("the record of a session that is kept ready cannot be read; the session ends by itself", {
        error: String(error),
      });
      return [];
    }
  });

/** The record from its JSON. Throws where it is damaged. */
export const parseWarm = (json: unknown): WarmSession => warmSessionSchema.parse(JSON.parse(String(json)));
