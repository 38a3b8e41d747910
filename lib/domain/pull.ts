import type * as z from "zod";
import { DispatchError, type Problem, RefusedError, RetryableError, WorkerGoneError } from "./errors.ts";
import { finalEvents, type TaskEvent } from "./events.ts";
import { keepLargeValue } from "./large-values.ts";
import { isTerminal } from "./lifecycle.ts";
import { beginLook } from "./looking.ts";
import type { LogChunk, Ports } from "./ports.ts";
import { adapterOf, withSession } from "./session.ts";
import { type Task, transition, without } from "./task.ts";
import {
  CONTRACT,
  MAX_LOG_BYTES,
  type PollReply,
  pollReplySchema,
  refusalReplySchema,
  type WorkerEvent,
} from "./worker-contract.ts";

/** A look may take the wait it asks for and this much more; both together stay inside the lease. */
const ANSWER_MS = 4000;
/** The part of it that a cancel may take. */
const CANCEL_MS = 2000;
const MAX_DETAILS_LENGTH = 8 * 1024;
const PROOFS_NEEDED = 3;
/** A worker ends by itself at the deadline, and soon after a cancel; this much later, beside the grace, it will not. */
const OVERDUE_MS = 60_000;

/** Whether a worker may have news of the task. */
export function canBeAsked(task: Task): boolean {
  if (task.session?.state !== "open" || task.session.startAttemptedAtMs === undefined) return false;
  if (task.status === "running" || task.status === "input_required") return true;
  return task.status === "cancelling" && task.outcome === undefined;
}

/**
 * Asks the worker for what is new, writes it, and moves the status. One asks at a time: resolves with undefined while
 * another does, when there is nobody to ask, or for a moment after a failure. `waitSeconds` (at most 10) is how long the
 * worker may wait for news. Failures to reach the worker are counted in the task, not thrown; our own are thrown, because
 * they say nothing of the job, and what could not be kept stays with the worker until somebody asks again.
 */
export async function pull(ports: Ports, taskId: string, options: { waitSeconds: number }): Promise<Task | undefined> {
  const waitSeconds = Math.min(10, options.waitSeconds);
  const timeoutMs = waitSeconds * 1000 + ANSWER_MS;
  const look = await beginLook(ports, taskId, timeoutMs, canBeAsked);
  if (!look) return undefined;
  const { task, end: endLook } = look;
  let reply: PollReply;
  try {
    reply = await ask(ports, task, waitSeconds, timeoutMs);
  } catch (error) {
    ports.log.debug("a poll failed", { taskId, error: String(error) });
    return settle(ports, () => endLook((current) => absorbFailure(current, error, ports.now()), error));
  }
  try {
    const logLength = await keepNews(ports, task, reply.events);
    const kept = reply.result === undefined ? {} : await keepLargeValue(ports, task.id, "result", reply.result);
    return await settle(ports, () => endLook((current) => absorb(current, reply, logLength, kept, ports.now())));
  } catch (error) {
    await endLook((current) => current, error).catch(() => {});
    throw error;
  }
}

/** Makes a change and, when it ended the task, writes the events of the end. */
export async function settle(ports: Ports, change: () => Promise<Task>): Promise<Task> {
  const task = await change();
  if (isTerminal(task.status)) await ports.store.appendEvents(finalEvents(task));
  return task;
}

/**
 * A task that cannot go on: `failed`, or `cancelled` when that was asked for and nothing runs any more. One whose job has
 * ended keeps that outcome: what cannot be brought home any more is only its files.
 */
export function fail(task: Task, error: Problem, nowMs: number): Task {
  if (isTerminal(task.status)) return task;
  const next = without(task, "inputRequests", "env");
  if (task.outcome) {
    const artifacts = task.artifacts.map((artifact) =>
      artifact.state === "pending" ? ({ ...artifact, state: "lost", reason: error.message } as const) : artifact,
    );
    return transition({ ...next, artifacts }, task.outcome.status, nowMs);
  }
  if (task.status === "cancelling") return transition(next, "cancelled", nowMs);
  return { ...transition(next, "failed", nowMs), error };
}

async function ask(ports: Ports, task: Task, waitSeconds: number, timeoutMs: number): Promise<PollReply> {
  const adapter = adapterOf(ports, task);
  const common = { contract: CONTRACT, bootId: task.session?.bootId ?? "", taskId: task.id } as const;
  const endsAtMs = ports.now() + timeoutMs;
  if (task.status === "cancelling") {
    const operation = { ...common, op: "cancel", graceSeconds: task.limits.graceSeconds } as const;
    refuseRefusal(await adapter.invoke(task, operation, { timeoutMs: CANCEL_MS }));
  }
  const maxBytes = 1024 * 1024;
  const operation = { ...common, op: "poll", after: task.workerSequence, waitSeconds, maxBytes } as const;
  return parseReply(pollReplySchema, await adapter.invoke(task, operation, { timeoutMs: endsAtMs - ports.now() }));
}

/** A worker's reply by its schema. Throws what the worker refused, or RetryableError `worker.contract_broken`. */
export function parseReply<T>(schema: z.ZodType<T>, reply: unknown): T {
  refuseRefusal(reply);
  const parsed = schema.safeParse(reply);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new RetryableError(
    "worker.contract_broken",
    `the worker's reply is not ${CONTRACT}: ${issue?.path.join(".")}: ${issue?.message}`,
  );
}

function refuseRefusal(reply: unknown): void {
  const refusal = refusalReplySchema.safeParse(reply);
  // A poll of a failed task has an error as well, beside its status.
  if (!refusal.success || (typeof reply === "object" && reply !== null && "status" in reply)) return;
  const { code, message, retryable, ...extra } = refusal.data.error;
  const options = {
    ...(extra.hint !== undefined && { hint: extra.hint }),
    ...(extra.details && { details: extra.details }),
  };
  throw retryable ? new RetryableError(code, message, options) : new RefusedError(code, message, options);
}

/** Stores events and log chunks; written again they change nothing. Resolves with the new length of the log. */
async function keepNews(ports: Ports, task: Task, events: WorkerEvent[]): Promise<number> {
  const chunks: LogChunk[] = [];
  const facts: TaskEvent[] = [];
  let offset = task.logLength;
  for (const event of events) {
    if (event.sequence <= task.workerSequence) continue;
    if (event.type !== "task.log") {
      facts.push({ taskId: task.id, ...event } as TaskEvent);
      continue;
    }
    const text = event.message ?? "";
    if (text === "" || offset + text.length > MAX_LOG_BYTES) continue;
    const stream = event.payload?.stream === "stderr" ? "stderr" : "stdout";
    chunks.push({ taskId: task.id, offset, sequence: event.sequence, stream, timestamp: event.timestamp, text });
    offset += text.length;
  }
  if (chunks.length > 0) await ports.store.appendLog(chunks);
  if (facts.length > 0) await ports.store.appendEvents(facts);
  return offset;
}

function absorb(task: Task, reply: PollReply, logLength: number, kept: Partial<Task>, nowMs: number): Task {
  if (reply.next < task.workerSequence) return task;
  const progress = reply.events.findLast((event) => event.type === "task.progress");
  const { sequence, timestamp, message, payload } = progress ?? {};
  const seen: Task = {
    ...withSession(without(task, "revivals"), { goneProofs: 0 }),
    workerSequence: reply.next,
    logLength: Math.max(task.logLength, logLength),
    ...(sequence !== undefined &&
      timestamp !== undefined && {
        progress: { sequence, timestamp, ...(message !== undefined && { message }), ...(payload && { payload }) },
      }),
    ...(reply.usage && { usage: reply.usage }),
  };
  if (!canBeAsked(task)) return seen;
  if (reply.status !== "running" && reply.status !== "input_required") return end(seen, reply, kept, nowMs);
  // Only one with nothing more to tell is given up: it may have ended in time, with pages of news before its end.
  const isSilent = reply.next === task.workerSequence;
  return isSilent && isOverdue(task, nowMs) ? fail(seen, timedOut(task), nowMs) : goOn(seen, reply, nowMs);
}

function goOn(task: Task, reply: PollReply, nowMs: number): Task {
  if (reply.status === "input_required" && task.status === "running")
    return { ...transition(task, "input_required", nowMs), inputRequests: reply.inputRequests ?? {} };
  if (reply.status === "running" && task.status === "input_required")
    return transition(without(task, "inputRequests"), "running", nowMs);
  return task;
}

/** The worker has ended: its word is kept, and the status follows once its artifacts are safe. */
function end(task: Task, reply: PollReply, kept: Partial<Task>, nowMs: number): Task {
  const createdAt = new Date(nowMs).toISOString();
  const artifacts = (reply.artifacts ?? []).map(
    (artifact) => ({ ...artifact, kind: "file", state: "pending", createdAt }) as const,
  );
  const stopped: Problem = { code: "worker.stopped", message: "the worker was stopped from outside", retryable: true };
  const failed: Problem = {
    code: "worker.failed",
    message: "the worker reported a failure without a reason",
    retryable: false,
  };
  const error =
    (reply.error && withoutLongDetails(reply.error)) ??
    (reply.status === "cancelled" ? stopped : reply.status === "failed" ? failed : undefined);
  const status = reply.status === "succeeded" ? "succeeded" : "failed";
  const cancelling = task.status === "cancelling";
  const ended: Task = {
    ...without(task, "inputRequests"),
    ...kept,
    artifacts,
    outcome: { status: cancelling ? "cancelled" : status, atMs: nowMs },
    ...(error && !cancelling && { error }),
  };
  return cancelling ? ended : transition(ended, "completing", nowMs);
}

function isOverdue({ deadlineAtMs, phases, limits }: Task, nowMs: number): boolean {
  const cancelledAtMs = phases.cancelling === undefined ? Number.POSITIVE_INFINITY : Date.parse(phases.cancelling);
  const endsAtMs = Math.min(deadlineAtMs ?? Number.POSITIVE_INFINITY, cancelledAtMs);
  return nowMs > endsAtMs + limits.graceSeconds * 1000 + OVERDUE_MS;
}

const timedOut = ({ limits }: Task): Problem => ({
  code: "task.timeout",
  message: `the job did not end within ${limits.timeoutSeconds} s`,
  retryable: false,
});

function absorbFailure(task: Task, error: unknown, nowMs: number): Task {
  if (!canBeAsked(task)) return task;
  const judged = error instanceof DispatchError ? judge(task, error, nowMs) : task;
  return isOverdue(judged, nowMs) ? fail(judged, timedOut(judged), nowMs) : judged;
}

/** Counts proofs that the work is gone; the worker's own refusal needs no second one. */
function judge(task: Task, error: DispatchError, nowMs: number): Task {
  const hint = "get_task_logs shows how far it came; dispatch the task again";
  if (error.code === "worker.replaced") {
    const message = "the machine that ran the job was replaced, and the job with it";
    return fail(task, { code: "worker.replaced", message, retryable: true, hint }, nowMs);
  }
  if (error.code === "worker.unknown_task") {
    const message = "the job never reached the worker";
    return fail(task, { code: "worker.lost", message, retryable: true, hint: "dispatch the task again" }, nowMs);
  }
  const broken = error.code === "worker.contract_broken";
  if (!(error instanceof WorkerGoneError) && !broken) return task;
  const goneProofs = (task.session?.goneProofs ?? 0) + 1;
  const counted = withSession(task, { goneProofs });
  if (goneProofs < PROOFS_NEEDED) return counted;
  const lost: Problem = {
    code: "worker.lost",
    message: "the worker that ran the job is gone; what it had reported until then is kept",
    retryable: true,
    hint,
  };
  return fail(counted, broken ? error.problem : lost, nowMs);
}

/** Details that would not fit beside the rest of the task are left out; the message stays. */
function withoutLongDetails(problem: Problem): Problem {
  return JSON.stringify(problem.details ?? {}).length > MAX_DETAILS_LENGTH ? without(problem, "details") : problem;
}
