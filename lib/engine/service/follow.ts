import * as z from "zod";
import type { Task } from "../../contract/task.ts";
import { taskId, waitSeconds } from "../../contract/tools/fields.ts";
import type { TaskRecord } from "../../contract/tools/task-record.ts";
import { lookAgainSeconds } from "../poll/rhythm.ts";
import type { Ports } from "../ports.ts";

/** Which task, and for how long its end may be waited for. */
export const followArguments = z.strictObject({ task_id: taskId, wait_seconds: waitSeconds.optional() });

/** How a task stands for whoever looks again and again. */
export type Followed = {
  record: TaskRecord;
  /** Of its output, while a job runs that does not say by itself how far it is. */
  lastLine?: string;
  /** For how long from its creation it is kept in any case, in milliseconds; it grows until the task is settled. */
  ttlMs: number;
  /** Its end was to be waited for, and too many wait already. */
  isCrowded?: true;
  /** When it is worth looking again, in milliseconds. */
  pollIntervalMs: number;
};

/** Where the workflow never pauses, since news is seen at once there. */
const SHORTEST_POLL_MS = 500;
const DAY_MS = 86_400_000;

/** A task with for how long it is kept, and when the workflow will have looked at it again. */
export function followed(
  ports: Pick<Ports, "pace" | "now" | "configuration">,
  task: Task,
  record: TaskRecord,
): Followed {
  const { createdAt, expiresAtSeconds } = task;
  const keptUntilMs = expiresAtSeconds === undefined ? ports.now() + retentionMs(ports) : expiresAtSeconds * 1000;
  return {
    record,
    ttlMs: Math.max(1, keptUntilMs - Date.parse(createdAt)),
    pollIntervalMs: Math.max(SHORTEST_POLL_MS, lookAgainSeconds(ports, task) * 1000),
  };
}

const retentionMs = ({ configuration }: Pick<Ports, "configuration">): number => configuration().retentionDays * DAY_MS;
