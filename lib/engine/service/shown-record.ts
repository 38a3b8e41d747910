import type { Adapters } from "../../backends/adapter.ts";
import { MAX_REPLY } from "../../contract/replies/reply-size.ts";
import { taskUri } from "../../contract/replies/task-uri.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import type { TaskRecord } from "../../contract/tools/task-record.ts";
import type { ReadPorts } from "../ports.ts";
import { type RecordMore, taskRecord } from "../record.ts";
import { fitRecord } from "./fit-record.ts";
import { type ShownTask, shownTask } from "./result.ts";

type Ports = Omit<ReadPorts, "backends"> & { backends: Adapters };

/** The record of a task as a reply shows it: with a summary of its result, where its dispatch asked for no more. */
export async function shownRecord(
  ports: Ports,
  task: Task,
  { room = MAX_REPLY, ...more }: Omit<RecordMore, "adapters"> & { room?: number } = {},
): Promise<TaskRecord> {
  const adapters = ports.backends;
  const shown: Task | ShownTask =
    hasEnded(task) && task.summaryChars !== undefined ? await shownTask(ports, task) : task;
  const record = taskRecord(shown, { adapters, ...more });
  if (!("previews" in shown) || !shown.previews) return fitRecord(record, room);
  return fitRecord({ ...record, previews: shown.previews, resource: taskUri(task.id, "result") }, room);
}
