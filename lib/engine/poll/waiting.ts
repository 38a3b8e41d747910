import { RetryableError, taskNotFound } from "../../contract/errors.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { Orchestration } from "../../contract/orchestration/state.ts";
import type { Task } from "../../contract/task.ts";
import { readable } from "../../store/stored-task.ts";
import type { Place } from "../../store/waiting-places.ts";
import { complete } from "../completion.ts";
import { advance } from "../orchestration/advance.ts";
import { childId } from "../orchestration/children.ts";
import type { Ports } from "../ports.ts";
import { canBeAsked, isCompleting } from "./apply-reply.ts";
import { poll } from "./poll.ts";
import { lookAgainSeconds } from "./rhythm.ts";
import { amongWaiters, within } from "./shared-wait.ts";

export type Wait = {
  timeoutSeconds: number;
  signal?: AbortSignal;
  until(task: Task): boolean;
  /** Called with each new state of the task that was seen. */
  onChange?(task: Task): void | Promise<void>;
  /** Whether more of the same may follow at once: the more wait, the longer each lets it gather before it returns. */
  gathers?: boolean;
};

export type Waited = {
  task: Task;
  /** It is not as wanted: the time is over, or too many wait already. */
  timedOut: boolean;
  /** There only where too many wait: when to ask again, in seconds. */
  askAgainSeconds?: number;
};

/** A shorter wait takes hardly longer than any call, and needs no place. */
const LEAST_SECONDS = 1;
/** All who follow a task in this process are answered so often together: this long apart, and at most a second in all. */
const GATHER_MS = 5;
const MAX_GATHER_MS = 1000;
/** For so long one of several tasks is asked at a time, when somebody waits for all. */
const PART_MS = 1000;

/**
 * Waits until the task is as wanted, has ended, or the time is over. Whoever waits does the polling: it asks the worker
 * itself, unless somebody else is asking, and then watches the store; in one process one does it for all. Where too many wait
 * already, nobody does. Throws RefusedError `task.not_found`.
 */
export async function waitForTask(ports: Ports, taskId: string, wait: Wait): Promise<Waited> {
  const deadline = ports.steady() + wait.timeoutSeconds * 1000;
  const signals = [ports.closing, ...(wait.signal ? [wait.signal] : [])];
  let place: Place | undefined;
  const waited = amongWaiters(ports.store, taskId, async (waiters): Promise<Waited> => {
    let task = await ports.store.get(taskId);
    if (task?.orchestration) task = await broughtOn(ports, task);
    for (let seen = -1; ; ) {
      if (!task) throw taskNotFound(taskId);
      if (task.revision > seen) await wait.onChange?.(task);
      seen = Math.max(seen, task.revision);
      const leftMs = deadline - ports.steady();
      if (wait.until(task) || isTerminal(task.status)) {
        const gatherMs = Math.min(GATHER_MS * waiters.count, MAX_GATHER_MS, leftMs);
        if (wait.gathers && !isTerminal(task.status)) await within(new Promise(() => {}), gatherMs, signals);
        return { task, timedOut: false };
      }
      if (leftMs <= 0 || signals.some(({ aborted }) => aborted)) return { task, timedOut: true };
      if (ports.waiting && !place && wait.timeoutSeconds >= LEAST_SECONDS) {
        place = await ports.waiting.take(task.owner, leftMs / 1000);
        if (!place) return { task, timedOut: true, askAgainSeconds: lookAgainSeconds(ports, task) };
      }
      const known: Task = task;
      task =
        (await within(
          waiters.next(() => nextState(ports, known, leftMs)),
          leftMs,
          signals,
        )) ?? known;
    }
  });
  return waited.finally(() => place?.leave());
}

/** The task as it stands once it may have changed, or soon. Throws RefusedError `task.not_found`. */
async function nextState(ports: Ports, task: Task, leftMs: number): Promise<Task> {
  const polled = await pollOrComplete(ports, task, leftMs);
  if (polled) return polled;
  await ports.store.waitForChange(task.id, task.revision, Math.min(1000, leftMs), ports.closing);
  const next = await ports.store.get(task.id);
  if (!next) throw taskNotFound(task.id);
  return next;
}

/**
 * Asks the worker, or finishes what it has ended. Undefined when there is nothing to ask, somebody else does, or it cannot
 * be done now: a store that takes no writes for a while can often still be read, and whoever waits has time.
 */
function pollOrComplete(ports: Ports, task: Task, leftMs: number): Promise<Task | undefined> {
  return unlessBusy(ports, task, async () => {
    if (task.orchestration) return askPart(ports, task, task.orchestration, leftMs);
    if (canBeAsked(task)) return poll(ports, task.id, { waitSeconds: leftMs / 1000 });
    if (!isCompleting(task)) return undefined;
    const next = await complete(ports, task);
    return isCompleting(next) ? undefined : next;
  });
}

/** What is made of others, with what a process that died had left undone. */
const broughtOn = async (ports: Ports, task: Task): Promise<Task> =>
  (await unlessBusy(ports, task, () => advance(ports, task.id))) ?? task;

/** Undefined for what cannot be done now, and may be later. */
async function unlessBusy(
  ports: Ports,
  { id }: Task,
  work: () => Promise<Task | undefined>,
): Promise<Task | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error;
    ports.log.warn("whoever waits could not bring a task on", { taskId: id, error: String(error) });
    return undefined;
  }
}

/**
 * Of what is made of others, asks one of those that are under way, each in its turn: whoever waits sees its end before the
 * workflow does, which looks the less often the longer it lasts.
 */
async function askPart(
  ports: Ports,
  { id }: Task,
  { active }: Orchestration,
  leftMs: number,
): Promise<Task | undefined> {
  const position = active[Math.floor(ports.steady() / PART_MS) % active.length];
  if (position === undefined) return undefined;
  const part = await readable(ports.store, await childId(id, position));
  if (!part) return undefined;
  const now = isTerminal(part.status) ? part : await pollOrComplete(ports, part, Math.min(PART_MS, leftMs));
  return now && isTerminal(now.status) ? advance(ports, id, now) : undefined;
}
