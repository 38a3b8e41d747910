import { type Problem, problem, RetryableError, toProblem } from "../../contract/errors.ts";
import type { Task } from "../../contract/task.ts";
import type { PollReply } from "../../contract/worker.ts";
import { withSession } from "../invocation-gate.ts";
import { applyFailure, canBeAsked, fail } from "./apply-reply.ts";

/** So long the end of a job is offered to a store that refuses it: who mends that in time loses nothing. */
const REFUSED_MS = 30 * 60_000;
const MAX_MESSAGE_LENGTH = 4000;

const hasEnded = ({ status }: PollReply): boolean => status !== "running" && status !== "input_required";
const isForGood = (error: unknown): boolean => !(error instanceof RetryableError);

const isGivenUp = ({ session }: Task, nowMs: number): boolean =>
  session?.unkeptSinceMs !== undefined && nowMs - session.unkeptSinceMs >= REFUSED_MS;

/**
 * The task after what its worker said could not be kept. There may be room again later, and a job that has ended waits with
 * its result; but what is refused for good must keep no running job from its deadline, no cancel from its end, and no ended
 * job, whose worker is kept for it, for longer than half an hour.
 */
export function applyUnkept(task: Task, reply: PollReply, error: unknown, nowMs: number): Task {
  const isCancelling = task.status === "cancelling";
  if (!isForGood(error) && !isCancelling) return task;
  if (isCancelling || !hasEnded(reply)) return applyFailure(task, error, nowMs);
  if (!canBeAsked(task)) return task;
  if (isGivenUp(task, nowMs)) return fail(task, lost(reply, error), nowMs);
  return withSession(task, { unkeptSinceMs: task.session?.unkeptSinceMs ?? nowMs });
}

/**
 * The end of a job without its result, once that is given up, so that the rest can be kept: at once when the task is
 * cancelled, else half an hour after the first refusal. Undefined while it is not.
 */
export function withoutResult(task: Task, reply: PollReply, error: unknown, nowMs: number): PollReply | undefined {
  if (reply.result === undefined || !hasEnded(reply) || !isForGood(error)) return undefined;
  if (task.status !== "cancelling" && !isGivenUp(task, nowMs)) return undefined;
  const { result: _, ...rest } = reply;
  return { ...rest, status: reply.status === "cancelled" ? "cancelled" : "failed", error: lost(reply, error) };
}

/** Why there is no result: the job's own reason first, if it failed. */
function lost({ status, error }: PollReply, cause: unknown): Problem {
  const { message } = toProblem(cause);
  if (error) return { ...error, message: short(`${error.message}; its result could not be kept: ${message}`) };
  return problem(
    "task.result_lost",
    short(`the job ended as ${status}, but its result could not be kept: ${message}`),
    {
      hint: "get_task_logs shows what it printed; what it did is done",
    },
  );
}

const short = (message: string): string => message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed();
