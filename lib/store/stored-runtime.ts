import type { Logger } from "../contract/logger.ts";
import { type SharedRuntime, sharedRuntimeSchema } from "../contract/runtimes.ts";
import type { RuntimeEdit } from "./port.ts";

/** For so long the record of a runtime that is gone stays: whoever waited for it reads why. */
const KEPT_SECONDS = 86_400;

/** Epoch seconds from which the record of a runtime may be deleted; undefined while it stands for something. */
export const runtimeExpiry = ({ state }: SharedRuntime, nowMs: number): number | undefined =>
  state === "gone" ? Math.ceil(nowMs / 1000) + KEPT_SECONDS : undefined;

/** The record that an edit leaves, with its next revision; undefined where it leaves all as it is. */
export function editedRuntime(
  id: string,
  seen: SharedRuntime | undefined,
  edit: RuntimeEdit,
): SharedRuntime | undefined {
  const next = edit(seen);
  return next && { ...next, id, revision: (seen?.revision ?? 0) + 1 };
}

/** The record from its JSON, and from what is kept beside that. Throws where it is damaged. */
export const parseRuntime = (json: unknown, beside: object = {}): SharedRuntime =>
  sharedRuntimeSchema.parse({ ...JSON.parse(String(json)), ...beside });

/** Those of the records that can be read; the others are told of. */
export function readableRuntimes<T>(
  records: readonly T[],
  read: (record: T) => SharedRuntime,
  log?: Logger,
): SharedRuntime[] {
  return records.flatMap((record) => {
    try {
      return read(record);
    } catch (error) {
      log?.error("the record of a runtime is damaged; what it stands for has to be deleted by hand", {
        error: String(error),
      });
      return [];
    }
  });
}
