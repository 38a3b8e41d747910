import type { z } from "zod";
import { DispatchError, type Problem, RefusedError, RetryableError, WorkerGoneError } from "./errors.ts";
import { finalEvents, type TaskEvent } from "./events.ts";
import { keepLargeValue } from "./large-values.ts";
import { isTerminal } from "./lifecycle.ts";
import type { LogChunk, Ports } from "./ports.ts";
import { adapterOf, enter, isOver, leave, withSession } from "./session.ts";
import { randomHex, type Task, transition, without } from "./task.ts";
import {
  CONTRACT,
  MAX_LOG_BYTES,
  type PollReply,
  pollReplySchema,
  refusalReplySchema,
  type WorkerEvent,
} from "./worker-contract.ts";

const LEASE_MS = 15_000;
/** A poll may take its wait and this much more; both together stay inside the lease. */
const ANSWER_MS = 4000;
const PROOFS_NEEDED = 3;
/** Two proofs count as two only this far apart. */
const PROOF_SPACING_MS = 500;

/** Whether a worker may have news of the task. */
export function canBeAsked(task: Task): boolean {
  if (task.session?.state !== "open" || task.session.startAttemptedAtMs === undefined) return false;
  if (task.status === "running" || task.status === "input_required") return true;
  return task.status === "cancelling" && task.outcome === undefined;
}

/**
 * Asks the worker for what is new, writes it, and moves the status. Runs under a lease in the task item, so that one asks
 * at a time: resolves with undefined when another holds it or there is nobody to ask. `waitSeconds` (at most 10) is how
 * long the worker may wait for news. Failures to reach the worker are counted in the task, not thrown.
 */
export async function pull(ports: Ports, taskId: string, options: { waitSeconds: number }): Promise<Task | undefined> {
  const waitSeconds = Math.min(10, options.waitSeconds);
  const timeoutMs = waitSeconds * 1000 + ANSWER_MS;
  const holder = randomHex(8);
  const entered = await enter(ports, taskId, timeoutMs, (task) => {
    const now = ports.now();
    if (!canBeAsked(task) || (task.lease && task.lease.untilMs > now)) return undefined;
    const dueAtMs = now + (ports.pace.maxPauseSeconds + 120) * 1000;
    return { ...task, lease: { holder, untilMs: now + LEASE_MS }, dueAtMs };
  });
  if (!entered) return undefined;
  const { task, use } = entered;

  const finish = (edit: (task: Task) => Task) =>
    settle(ports, () =>
      leave(ports, taskId, use, (current) =>
        edit(current.lease?.holder === holder ? without(current, "lease") : current),
      ),
    );
  try {
    const reply = await ask(ports, task, waitSeconds, timeoutMs);
    const logLength = await keepNews(ports, task, reply.events);
    const kept = reply.result === undefined ? {} : await keepLargeValue(ports, task.id, "result", reply.result);
    return await finish((current) => absorb(current, reply, logLength, kept, ports.now()));
  } catch (error) {
    ports.log.debug("a poll failed", { taskId, error: String(error) });
    if (!isOver(error)) return undefined;
    return await finish((current) => absorbFailure(current, error, ports.now()));
  }
}

/** Makes a change and, when it ended the task, writes the events of the end. */
export async function settle(ports: Ports, change: () => Promise<Task>): Promise<Task> {
  const task = await change();
  if (isTerminal(task.status)) await ports.store.appendEvents(finalEvents(task));
  return task;
}

/** A task that cannot go on: `failed`, or `cancelled` when that was asked for and nothing runs any more. */
export function fail(task: Task, error: Problem, nowMs: number): Task {
  if (isTerminal(task.status)) return task;
  const next = without(task, "inputRequests", "env");
  if (task.status === "cancelling") return transition(next, "cancelled", nowMs);
  return { ...transition(next, "failed", nowMs), error };
}

async function ask(ports: Ports, task: Task, waitSeconds: number, timeoutMs: number): Promise<PollReply> {
  const adapter = adapterOf(ports, task);
  const common = { contract: CONTRACT, bootId: task.session?.bootId ?? "", taskId: task.id } as const;
  if (task.status === "cancelling") {
    const operation = { ...common, op: "cancel", graceSeconds: task.limits.graceSeconds } as const;
    refuseRefusal(await adapter.invoke(task, operation, { timeoutMs: ANSWER_MS }));
  }
  const maxBytes = 1024 * 1024;
  const operation = { ...common, op: "poll", after: task.workerSequence, waitSeconds, maxBytes } as const;
  return parseReply(pollReplySchema, await adapter.invoke(task, operation, { timeoutMs }));
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
  if (reply.status === "running" || reply.status === "input_required") return goOn(seen, reply, nowMs);
  return end(seen, reply, kept, nowMs);
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
    reply.error ?? (reply.status === "cancelled" ? stopped : reply.status === "failed" ? failed : undefined);
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

/** Counts proofs that the work is gone; the worker's own refusal needs no second one. */
function absorbFailure(task: Task, error: unknown, nowMs: number): Task {
  if (!canBeAsked(task) || !(error instanceof DispatchError)) return task;
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
  if (nowMs - (task.session?.lastProofAtMs ?? 0) < PROOF_SPACING_MS) return task;
  const goneProofs = (task.session?.goneProofs ?? 0) + 1;
  const counted = withSession(task, { goneProofs, lastProofAtMs: nowMs });
  if (goneProofs < PROOFS_NEEDED) return counted;
  const lost: Problem = {
    code: "worker.lost",
    message: "the worker that ran the job is gone; what it had reported until then is kept",
    retryable: true,
    hint,
  };
  return fail(counted, broken ? error.problem : lost, nowMs);
}
