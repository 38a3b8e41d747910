import { isTerminal } from "../../../contract/lifecycle.ts";
import type { ShortRecord, TaskRecord } from "../../../contract/tools/task-record.ts";

/** Milliseconds from the creation of a task to its end, or to now. */
export function ageMs(record: ShortRecord | TaskRecord): number {
  const endedAt = ("phases" in record && record.phases?.[record.status]) || record.updatedAt;
  const ended = isTerminal(record.status) ? Date.parse(endedAt) : Date.now();
  return ended - Date.parse(record.createdAt);
}
