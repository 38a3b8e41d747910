import { DispatchError, type Problem, problem } from "../../contract/errors.ts";
import { inputRequestsOf } from "../../contract/input-requests.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { firstOf, previewText } from "../../contract/preview.ts";
import { type Outcome, type Task, transition, without } from "../../contract/task.ts";
import type { PollReply, WorkerEvent } from "../../contract/worker.ts";
import { askedAnew, unanswered } from "../answers.ts";
import { shortReason } from "../artifact-pages.ts";
import { countMiss, isOverdue, withDeadline } from "../deadline.ts";
import { cleared, type Detection, detectFailure } from "./failure-detection.ts";
import type { Kept } from "./keep-reply.ts";

const MAX_DETAILS_BYTES = 8 * 1024;
const MAX_PROGRESS_LENGTH = 4000;
/** Of what an agent says, in UTF-16 units. */
const MAX_LINE_LENGTH = 300;
/** Whether a worker may have news of the task. */
export function canBeAsked(task: Task): boolean {
  if (task.session?.state !== "open" || task.session.startAttemptedAtMs === undefined) return false;
  if (task.status === "running" || task.status === "input_required") return true;
  return task.status === "cancelling" && task.outcome === undefined;
}

/**
 * A task that cannot go on: `failed`, or `cancelled` when that was asked for and nothing runs any more. One whose job has
 * ended keeps that outcome: what cannot be brought home any more is only its files.
 */
export function fail(task: Task, error: Problem, nowMs: number): Task {
  if (isTerminal(task.status)) return task;
  const next = without(task, "env");
  if (isCompleting(next)) return conclude({ ...next, artifactsLostReason: shortReason(error.message) }, nowMs);
  if (next.status === "cancelling") return transition(next, "cancelled", nowMs);
  return transition(next, "failed", nowMs, { error: withoutLongDetails(error) });
}

/** A task whose job has ended, and that has not. */
export type Ended = Extract<Task, { status: "completing" | "cancelling" }> & { outcome: Outcome };

/** Whether the job's end is known and only its artifacts and its final status are left. */
export const isCompleting = (task: Task): task is Ended =>
  task.status === "completing" || (task.status === "cancelling" && task.outcome !== undefined);

/** The task with the status that the end of its job leads to. */
export function conclude(task: Ended, nowMs: number): Task {
  const { outcome, error = unexplained } = task;
  return outcome.status === "failed"
    ? transition(task, "failed", nowMs, { error })
    : transition(task, outcome.status, nowMs, { outcome });
}

const unexplained = problem("worker.failed", "the worker reported a failure without a reason");
const stopped = problem("worker.stopped", "the worker was stopped from outside");

/** The task after a worker's reply, of which `kept` is what the task holds; its news are stored already. */
export function applyReply(task: Task, reply: PollReply, kept: Kept, nowMs: number): Task {
  if (reply.next < task.workerSequence) return task;
  const progress = reply.events.map(asProgress).findLast((event) => event !== undefined);
  const seen: Task = {
    ...askedAnew(withDeadline(cleared(without(task, "recoveries")), reply, nowMs), reply.events),
    workerSequence: reply.next,
    ...(kept.log.logLength >= task.logLength && kept.log),
    ...(progress && { progress: shortProgress(progress) }),
    ...(reply.usage && { usage: reply.usage }),
    ...conversationAfter(task, reply, kept),
  };
  if (!canBeAsked(task)) return seen;
  if (reply.status !== "running" && reply.status !== "input_required") return end(seen, reply, kept.left, nowMs);
  // Only one with nothing more to tell is given up: it may have ended in time, with pages of news before its end.
  const isSilent = reply.next === task.workerSequence;
  return isSilent && isOverdue(seen, nowMs) ? fail(seen, timedOut(task), nowMs) : goOn(seen, reply, nowMs);
}

/** Its session is known as soon as its worker is: should that be killed, the next turn can go on all the same. */
function conversationAfter(
  { conversation }: Task,
  { session }: PollReply,
  { leaving }: Kept,
): Pick<Task, "conversation"> {
  if (!conversation || (!session && !leaving)) return {};
  return { conversation: { ...conversation, ...(session && { session }), ...(leaving && { leaving }) } };
}

function goOn(task: Task, { status, inputRequests = {} }: PollReply, nowMs: number): Task {
  const open = status === "input_required" ? unanswered(task, inputRequestsOf(inputRequests)) : {};
  const asks = Object.keys(open).length > 0;
  if (task.status === "input_required")
    return asks ? { ...task, inputRequests: open } : transition(task, "running", nowMs);
  return asks && task.status === "running" ? transition(task, "input_required", nowMs, { inputRequests: open }) : task;
}

/** The worker has ended: its word is kept, and the status follows once its artifacts are safe. */
function end(task: Task, { status, error }: PollReply, left: Kept["left"], nowMs: number): Task {
  if (task.status === "cancelling") return { ...task, ...left, outcome: { status: "cancelled", atMs: nowMs } };
  if (status === "succeeded")
    return transition(task, "completing", nowMs, { ...left, outcome: { status, atMs: nowMs } });
  const reason = error ? withoutLongDetails(error) : status === "cancelled" ? stopped : unexplained;
  return transition(task, "completing", nowMs, { ...left, outcome: { status: "failed", atMs: nowMs }, error: reason });
}

const timedOut = ({ limits }: Task): Problem =>
  problem("task.timeout", `the job did not end within ${limits.timeoutSeconds} s`);

/** The task after a worker could not be asked. */
export function applyFailure(task: Task, error: unknown, nowMs: number): Task {
  if (!canBeAsked(task)) return task;
  const { task: seen, lost }: Detection = error instanceof DispatchError ? detectFailure(task, error, nowMs) : { task };
  if (lost) return fail(seen, lost, nowMs);
  if (!isOverdue(seen, nowMs)) return seen;
  const { task: counted, isLast } = countMiss(seen);
  return isLast ? fail(counted, timedOut(counted), nowMs) : counted;
}

const jsonBytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).byteLength;

/** Details that would not fit beside the rest of the task are left out; the message stays. */
function withoutLongDetails(problem: Problem): Problem {
  return jsonBytes(problem.details ?? {}) > MAX_DETAILS_BYTES ? without(problem, "details") : problem;
}

/** How far a job is, by an event of it: what it says of that, or what its agent says or does; undefined for any other. */
function asProgress(event: WorkerEvent): WorkerEvent | undefined {
  if (event.type === "task.progress") return event;
  const said = event.type === "agent.message" ? lastLineOf(event.message) : undefined;
  const name = event.type === "agent.tool_call" ? event.payload?.name : undefined;
  const message = said ?? (typeof name === "string" ? name : undefined);
  if (message === undefined) return undefined;
  const { sequence, timestamp } = event;
  return { sequence, timestamp, type: "task.progress", message: firstOf(message, MAX_LINE_LENGTH) };
}

const lastLineOf = (text = ""): string | undefined =>
  text
    .split(/[\r\n]+/)
    .findLast((line) => line.trim() !== "")
    ?.trim();

/** The last progress as the record shows it; the event itself is whole. */
function shortProgress({ sequence, timestamp, message, payload }: WorkerEvent): NonNullable<Task["progress"]> {
  const isLong = payload !== undefined && jsonBytes(payload) > MAX_DETAILS_BYTES;
  return {
    sequence,
    timestamp,
    ...(message !== undefined && { message: previewText(message, MAX_PROGRESS_LENGTH) }),
    ...(payload && { payload: isLong ? { shortened: true } : payload }),
  };
}
