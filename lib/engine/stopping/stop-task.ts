import { problem, toProblem } from "../../contract/errors.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { Left, Stoppable, Verified } from "../../contract/stopping/report.ts";
import type { Task } from "../../contract/task.ts";
import { readable } from "../../store/stored-task.ts";
import { adapterOf } from "../invocation-gate.ts";
import { cancelUnlessEnded } from "../orchestration/cancelling.ts";
import { canBeAsked, fail, isCompleting } from "../poll/apply-reply.ts";
import { settle } from "../poll/poll.ts";
import { waitForTask } from "../poll/waiting.ts";
import type { Ports } from "../ports.ts";
import { endSession } from "../session-end.ts";
import { cleanup } from "../steps/cleanup.ts";

/** How often it is looked whether a runtime is gone, or an invocation over, at the most. */
const LOOK_AGAIN_MS = 1000;

/** How a stop goes about it. Times are of the steady clock, in milliseconds. */
export type Manner = {
  /** When whoever asked for it wants to hear how far it is. */
  endsAtMs: number;
  /** How long a job has to end by itself once it was told. */
  patienceMs: number;
  /** Whether files that a job has left, and that are being brought home, are given up as well. */
  isFinal: boolean;
};

/** What became of one task. */
export type Stopped = { cancelled: boolean; verified: Verified[]; underway: Left[]; unverified: Left[] };

/**
 * Stops a task, and says what was seen to be over: it is cancelled, its job is told and has a moment to end, then its session
 * is ended, whatever it does, and the runtime that is its own is deleted; in the end each is asked for again. The steps are
 * those of its own clean-up, which goes on with what this leaves. Never throws.
 */
export async function stopTask(ports: Ports, known: Task, manner: Manner): Promise<Stopped> {
  const stopped: Stopped = { cancelled: false, verified: [], underway: [], unverified: [] };
  const held = new Map<Stoppable, string>();
  const note = ({ obligations, session, providerRefs }: Task) => {
    const id = obligations.session ?? session?.id;
    if (id !== undefined) held.set("session", id);
    if (obligations.runtime !== undefined) held.set("runtime", providerRefs.runtimeArn ?? obligations.runtime);
  };
  note(known);
  try {
    const { task, cancelled } = await callOff(ports, known);
    stopped.cancelled = cancelled;
    note(task);
    await ended(ports, task, manner);
    await cleanedUp(ports, task.id, manner);
  } catch (error) {
    // What it left is asked for below, and said.
    ports.log.warn("a task could not be stopped at once", { taskId: known.id, error: String(error) });
    stopped.unverified.push(...[...held].map((each) => left(known.id, each, toProblem(error).message)));
    return stopped;
  }
  const now = await readable(ports.store, known.id).catch(() => undefined);
  if (now) note(now);
  for (const each of held) await verify(ports, now ?? known, each, stopped);
  return stopped;
}

/** The task as it is cancelled, with what it dispatched; one that has ended as it is. */
async function callOff(ports: Ports, known: Task): Promise<{ task: Task; cancelled: boolean }> {
  if (isTerminal(known.status)) return { task: known, cancelled: false };
  const cancelled = await cancelUnlessEnded(ports, known);
  if (cancelled) return { task: cancelled, cancelled: true };
  const task = (await readable(ports.store, known.id)) ?? known;
  // With what it is a part of, a moment before.
  return { task, cancelled: task.status === "cancelled" };
}

/** Lets the job end by itself for a moment, and what it has left come home; then it is over. */
async function ended(ports: Ports, task: Task, { endsAtMs, patienceMs, isFinal }: Manner): Promise<void> {
  const { id } = task;
  // This call waits for all of its tasks at once, and must be able to where too many wait already.
  const { waiting: _, ...withoutPlaces } = ports;
  const leftMs = () => endsAtMs - ports.steady();
  const wait = async (ms: number) =>
    (
      await waitForTask(withoutPlaces, id, {
        timeoutSeconds: Math.max(0, Math.min(ms, leftMs())) / 1000,
        until: () => false,
      })
    ).task;
  let now = task;
  if (canBeAsked(now) && patienceMs > 0) now = await wait(patienceMs);
  // Its result stands, and only its files are on their way.
  if (isCompleting(now)) now = await wait(isFinal ? patienceMs : leftMs());
  if (isTerminal(now.status) || (isCompleting(now) && !isFinal)) return;
  await endSession(ports, now);
  const why = problem("worker.stopped", "the session of the task was ended with all others");
  await settle(ports, () =>
    ports.store.change(id, (current) => (isTerminal(current.status) ? undefined : fail(current, why, ports.now()))),
  );
}

/** Runs the clean-up of the task, which may be running elsewhere as well, until it is over or the time is. */
async function cleanedUp(ports: Ports, id: string, { endsAtMs }: Manner): Promise<void> {
  for (;;) {
    const task = await readable(ports.store, id);
    if (!task || !isTerminal(task.status) || Object.keys(task.obligations).length === 0) return;
    const { again, waitSeconds } = await cleanup(ports, { id, n: task.executionNumber });
    const leftMs = endsAtMs - ports.steady();
    if (!again || leftMs <= 0 || ports.closing.aborted) return;
    await new Promise((resolve) => setTimeout(resolve, Math.min(leftMs, LOOK_AGAIN_MS, waitSeconds * 1000)));
  }
}

/** Asks once more for what was stopped: that it is not there is known of nothing else. */
async function verify(ports: Ports, task: Task, [what, name]: [Stoppable, string], to: Stopped): Promise<void> {
  const place = { taskId: task.id, what, name };
  try {
    const why = await (what === "session" ? sessionLeft(ports, task) : runtimeLeft(ports, task));
    if (why === undefined) to.verified.push(place);
    else to.underway.push({ ...place, why });
  } catch (error) {
    to.unverified.push({ ...place, why: toProblem(error).message });
  }
}

/** Why a session may still run; undefined when it was stopped, and nothing can arrive there any more. */
async function sessionLeft(ports: Ports, task: Task): Promise<string | undefined> {
  if (!isTerminal(task.status))
    return isCompleting(task) ? "its job has ended, and its files are being brought home" : "its job is being ended";
  if (task.obligations.session === undefined) {
    await adapterOf(ports, task).stop(task);
    return undefined;
  }
  const leftMs = await endSession(ports, task);
  return leftMs > 0
    ? `it was stopped, and is stopped again in ${Math.ceil(leftMs / 1000)} s, when no call can reach it any more`
    : undefined;
}

async function runtimeLeft(ports: Ports, task: Task): Promise<string | undefined> {
  if (!isTerminal(task.status)) return "it is deleted once the task is over";
  if (task.creations === 0 || (await adapterOf(ports, task).deleteRuntime(task))) return undefined;
  return task.providerRefs.runtimeArn === undefined
    ? "it was asked for, and has not appeared yet; the clean-up looks for it by its name"
    : "it is being deleted, which takes AgentCore up to some minutes";
}

const left = (taskId: string, [what, name]: [Stoppable, string], why: string): Left => ({ taskId, what, name, why });
