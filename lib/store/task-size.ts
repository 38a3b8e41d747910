import { InvalidInputError } from "../contract/errors.ts";
import { previewValue } from "../contract/preview.ts";
import type { Task } from "../contract/task.ts";

/**
 * What a task may take at its dispatch, in bytes of its JSON as UTF-8: names count, as they do for DynamoDB. Together with
 * the largest result (100 KB), error, progress, requests and list of lost files that a job may add beside it, it stays
 * below what one item of DynamoDB may hold. The same holds on SQLite, so that both refuse the same.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
export const MAX_DISPATCHED_BYTES = 128 * 1024;
/** What a task may ever take; an item holds 400 KB, with its keys. */
const MAX_TASK_BYTES = 390_000;

const encoder = new TextEncoder();
const sizeOf = (value: unknown): number => (value === undefined ? 0 : encoder.encode(JSON.stringify(value)).byteLength);

/** Whether a value takes at most so many bytes; most are so short that nobody has to count. */
export function fits(value: unknown, maxBytes: number): boolean {
  const json = JSON.stringify(value) ?? "";
  return json.length * 3 <= maxBytes || encoder.encode(json).byteLength <= maxBytes;
}

/** The parts of a task that a caller gives, with the names that they have in calls. */
const given = {
  input: "input",
  metadata: "metadata",
  caller: "caller",
  goal: "goal",
  target: "target.details",
  env: "environment_variables",
} as const satisfies Partial<Record<keyof Task, string>>;

/** Throws InvalidInputError with the sizes of what was given, the largest first, when a new task is too large to keep. */
export function assertDispatchable(task: Task): void {
  if (fits(task, MAX_DISPATCHED_BYTES)) return;
  const parts = Object.entries(given).map(([part, path]) => ({ path, bytes: sizeOf(task[part as keyof Task]) }));
  const large = parts.filter(({ bytes }) => bytes > 1024).sort((a, b) => b.bytes - a.bytes);
  throw new InvalidInputError(
    large.map(({ path, bytes }) => ({ path, message: `takes ${bytes} bytes` })),
    {
      hint: `a task may take ${MAX_DISPATCHED_BYTES} bytes in all, and this one takes ${sizeOf(task)}; what is large belongs into the instruction or the input, which may be longer`,
    },
  );
}

/** What a task can do without, the least missed first. */
const reports = ["inputRequests", "usage", "progress"] as const;
const texts = ["metadata", "caller", "goal", "input"] as const;
const PREVIEW_LENGTH = 4000;

/**
 * The task as it can be stored. Only one of an older version can have outgrown its item: it is ended and cleaned up all the
 * same, so its longest parts become previews, and `shortened` names them. What a job has not been given yet stays whole.
 */
export function fitted(task: Task): Task {
  if (fits(task, MAX_TASK_BYTES)) return task;
  const wasGiven = task.session?.startAttemptedAtMs !== undefined || !(task.status in unstarted);
  let next = task;
  for (const part of [...reports, ...(wasGiven ? texts : [])]) {
    if (fits(next, MAX_TASK_BYTES)) break;
    const value = next[part];
    if (value === undefined || fits(value, PREVIEW_LENGTH)) continue;
    const shortened = [...new Set([...(next.shortened ?? []), part])];
    next = { ...next, [part]: previewValue(value, PREVIEW_LENGTH), shortened };
  }
  return next;
}

const unstarted = { queued: true, provisioning: true, starting: true };
