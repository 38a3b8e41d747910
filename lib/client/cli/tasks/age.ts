import { isTerminal } from "../../../contract/lifecycle.ts";
import type { ShortRecord, TaskRecord } from "../../../contract/tools/task-record.ts";

type Known = ShortRecord | TaskRecord;

/** Milliseconds from the creation of a task to its end, or to now. */
export function ageMs(record: Known): number {
  const ended = isTerminal(record.status) ? Date.parse(endOf(record)) : Date.now();
  return ended - Date.parse(record.createdAt);
}

/** When a task came to stand as it does, which of one that has ended is its end. */
export const endOf = (record: Known): string =>
  ("phases" in record && record.phases?.[record.status]) || record.updatedAt;
