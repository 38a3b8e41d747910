import type { ErrorCode } from "../contract/error-codes.ts";
import { DispatchError, RefusedError } from "../contract/errors.ts";
import { type Task, without } from "../contract/task.ts";
import { adapterOf } from "./invocation-gate.ts";
import type { Ports } from "./ports.ts";

/** So many workers that were lost in a row before their job are no accident. */
const MAX_LOST = 5;
const FIRST_PAUSE_MS = 100;

/** A worker that was there is not any more, or does not answer. */
const lost: readonly ErrorCode[] = [
  "worker.gone",
  "worker.did_not_start",
  "worker.connection_lost",
  "worker.outcome_unknown",
];

/**
 * Gives a task another worker in place of one that was lost before it can have been handed the job, and resolves once that
 * one can be spoken to. Throws `error` itself when it says nothing of the kind, when the job may have reached the worker, or
 * when the system closes, which breaks off what is under way; and RefusedError `worker.start_failed`, with what the last one
 * said, when five were lost.
 */
export async function takeAnotherWorker(ports: Ports, taskId: string, error: unknown): Promise<void> {
  for (let last = error; ; ) {
    const task = await ports.store.get(taskId);
    if (ports.closing.aborted || !task || !mayTakeAnother(ports, task, last)) throw last;
    const count = (task.session?.lostWorkers ?? 0) + 1;
    const noted = await ports.store.change(taskId, (now) =>
      now.session?.bootId === task.session?.bootId && isBeforeStart(now) ? withoutWorker(now, count) : undefined,
    );
    if (noted.session?.lostWorkers !== count) throw last;
    if (count >= MAX_LOST) throw tooMany(last);
    ports.log.warn("a worker was lost before its job; another takes its place", { taskId, error: String(last) });
    try {
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** count));
      return await adapterOf(ports, noted).renew?.(noted);
    } catch (next) {
      last = next;
    }
  }
}

/** Whether no worker can have been handed the job. */
const isBeforeStart = ({ status, session }: Task): boolean =>
  (status === "provisioning" || status === "starting") &&
  session?.state === "open" &&
  session.startAttemptedAtMs === undefined;

function mayTakeAnother(ports: Ports, task: Task, error: unknown): error is DispatchError {
  if (!(error instanceof DispatchError) || !isBeforeStart(task)) return false;
  if (error.code === "worker.replaced") return true;
  return lost.includes(error.code) && adapterOf(ports, task).renew !== undefined;
}

function withoutWorker(task: Task, lostWorkers: number): Task {
  return task.session ? { ...task, session: { ...without(task.session, "bootId"), lostWorkers } } : task;
}

function tooMany(error: DispatchError): RefusedError {
  const { message, hint, details } = error;
  return new RefusedError(
    "worker.start_failed",
    `${MAX_LOST} workers were lost one after the other before the job could start; the last: ${message}`,
    { hint, details, cause: error },
  );
}
