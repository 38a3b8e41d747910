import { problem, RefusedError, RetryableError, toProblem } from "../../contract/errors.ts";
import { finalEvents } from "../../contract/events.ts";
import type { Specification } from "../../contract/orchestration/specification.ts";
import type { Orchestration } from "../../contract/orchestration/state.ts";
import { hasEnded, isSettled, type Task, without } from "../../contract/task.ts";
import { readable } from "../../store/stored-task.ts";
import { leaveParent } from "../admission/lineage.ts";
import { cancelAllBelow, cancelBelow } from "../cancellation.ts";
import { dueAt } from "../deadline.ts";
import { inLanes } from "../in-lanes.ts";
import { fail } from "../poll/apply-reply.ts";
import { settle } from "../poll/poll.ts";
import type { Ports } from "../ports.ts";
import { beginChild } from "./begin-child.ts";
import { isPart } from "./children.ts";
import { finish, owing } from "./finish.ts";
import { endOf, look } from "./look.ts";
import { type End, type Next, next, noted } from "./next.ts";
import { eventsUntil, progressEvent, progressOf } from "./progress.ts";
import { mostActive, specificationOf } from "./specification.ts";

/** Children that are dispatched at once. */
const LANES = 8;
/** Whoever has written what is begun has so long to dispatch it, before others do. */
const FIRST_LOOK_MS = 60_000;

/**
 * Lets the task that one is a part of go on, once that one has ended and has given its slot back. Repeating is safe. What keeps
 * the whole from going on is not the child's: it is only logged, unless the next attempt may do it.
 */
export async function tellParent(ports: Ports, child: Task): Promise<void> {
  if (!isPart(child)) return;
  try {
    await advance(ports, child.parent, child);
  } catch (error) {
    if (error instanceof RetryableError) throw error;
    ports.log.error("a task could not go on after one that it is made of", {
      taskId: child.parent,
      error: String(error),
    });
  }
}

/**
 * Brings a task that is made of others on: notes which of these have ended, dispatches what comes next, or ends it. `ended` is
 * the child that was just seen to have ended; without it all that are under way are looked at. Safe at any time and from
 * anywhere at once. Resolves with the task as it stands. Throws RetryableError; then it is due again in a minute.
 */
export async function advance(ports: Ports, id: string, ended?: Task): Promise<Task | undefined> {
  const task = await readable(ports.store, id);
  if (!task?.orchestration || isSettled(task)) return task;
  if (hasEnded(task)) return settleEnd(ports, task);
  let specification: Specification;
  try {
    specification = await specificationOf(ports, task);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return settleEnd(ports, await giveUp(ports, task, error));
  }
  const isNews = ended?.position !== undefined && task.orchestration.active.includes(ended.position);
  const end = isNews && isPart(ended) ? await endOf(ports, specification, ended) : undefined;
  // One that was noted before says that whoever noted it may have died before what follows from it.
  return goOn(ports, specification, task, end);
}

async function goOn(ports: Ports, specification: Specification, known: Task, first?: End): Promise<Task> {
  let task = known;
  // Whoever comes after its deadline asks first whether all has ended.
  let ends = first && !isLate(task, ports.now()) ? [first] : undefined;
  for (;;) {
    let missing: readonly number[] = [];
    if (!ends) {
      const seen = await look(ports, specification, task);
      const isOver = task.calledOff || task.status === "cancelling";
      // What was called off never begins: dispatching it is refused.
      const never = isOver ? seen.missing.map((known) => ({ ...known, status: "cancelled" }) as const) : [];
      ends = [...seen.ends, ...never];
      missing = isOver ? [] : seen.missing.map(({ position }) => position);
    }
    const done = await write(ports, specification, task, ends);
    task = done.task;
    if (hasEnded(task)) return settleEnd(ports, task);
    if (done.next.do === "finish") return settleEnd(ports, await finish(ports, specification, task, done.next));
    if (task.obligations.children !== undefined) {
      // Repeated until nothing was left out, whoever has begun it; what it ended is seen by the next look.
      if (!(await cancelFamily(ports, task.id, cancelAllBelow))) return task;
      await ports.store.change(task.id, (now) => (hasEnded(now) ? undefined : settledBelow(now)));
      ends = undefined;
      continue;
    }
    const begun = done.next.do === "dispatch" ? done.next.positions : [];
    const refused = await inLanes(LANES, [...missing, ...begun], (position) =>
      beginChild(ports, specification, task, position),
    );
    ends = refused.filter((end) => end !== undefined);
    if (ends.length === 0) return task;
  }
}

type Written = { task: Task; next: Next | Cancelled };
type Cancelled = { do: "finish"; status: "cancelled" };

/**
 * Notes what has ended, and what is begun now, in one write. An event has the number after the last one's: so that one is told first,
 * in case that whoever wrote it has died, and no number is left out.
 */
async function write(ports: Ports, specification: Specification, known: Task, ends: readonly End[]): Promise<Written> {
  for (let before = known; ; ) {
    const isNews = numberAfter(specification, before, ends, ports.now()) !== before.workerSequence;
    if (isNews) await ports.store.appendEvents(eventsUntil(before));
    let following: Written["next"] | undefined;
    const task = await ports.store.change(before.id, (current) => {
      const decided = decide(specification, current, ends, ports.now());
      const { workerSequence: number } = decided.task ?? current;
      const isTold = number === current.workerSequence || (isNews && current.workerSequence === before.workerSequence);
      following = isTold ? decided.next : undefined;
      return isTold ? decided.task : undefined;
    });
    if (following) {
      if (task.workerSequence !== before.workerSequence) await ports.store.appendEvents(progressEvent(task));
      return { task, next: following };
    }
    before = task;
  }
}

/** The number of the last event of the task, once it is noted what has ended. */
function numberAfter(specification: Specification, task: Task, ends: readonly End[], nowMs: number): number {
  return (decide(specification, task, ends, nowMs).task ?? task).workerSequence;
}

/** What a task that is made of others comes to, when so much has ended. */
function decide(
  specification: Specification,
  task: Task,
  ends: readonly End[],
  nowMs: number,
): Omit<Written, "task"> & Partial<Written> {
  const { orchestration: before } = task;
  if (!before || hasEnded(task)) return { next: { do: "wait" } };
  const heard = noted(specification, before, ends);
  const goesOn = !heard.stopped && next(specification, heard, mostActive(specification, task)).do !== "finish";
  const state = goesOn && isLate(task, nowMs) ? { ...heard, stopped: timedOut(task) } : heard;
  const isStopped = state.stopped !== undefined && before.stopped === undefined && state.active.length > 0;
  const what = cancelled(task, state) ?? next(specification, state, mostActive(specification, task));
  const begun = what.do === "dispatch" ? what.positions : [];
  if (state === before && begun.length === 0) return { next: what };
  const after = { ...state, begun: state.begun + begun.length, active: [...state.active, ...begun] };
  return {
    next: what,
    task: {
      ...task,
      orchestration: after,
      ...(heard !== before && progressOf(specification, after, { sequence: task.workerSequence, ends, nowMs })),
      // Nothing of it begins any more, whoever is about to let it.
      ...(isStopped && { calledOff: true, obligations: { ...task.obligations, children: "cancel" } }),
      dueAtMs: dueAt(task, nowMs + FIRST_LOOK_MS),
    },
  };
}

/** What comes next of one that was cancelled: with all below it, once these have ended. */
function cancelled({ status, calledOff }: Task, { active }: Orchestration): Next | Cancelled | undefined {
  if (status !== "cancelling") return undefined;
  return calledOff && active.length > 0 ? { do: "wait" } : { do: "finish", status: "cancelled" };
}

const isLate = ({ deadlineAtMs = Number.POSITIVE_INFINITY }: Task, nowMs: number): boolean => nowMs >= deadlineAtMs;

const timedOut = ({ limits }: Task) =>
  problem("task.timeout", `not all of it ended within ${limits.timeoutSeconds} s`, {
    hint: "the result holds what there is; give a longer timeout_seconds",
  });

/** Ends one of which nobody can tell any more what was asked for. */
const giveUp = (ports: Ports, { id }: Task, error: RefusedError): Promise<Task> =>
  settle(ports, () =>
    ports.store.change(id, (now) =>
      hasEnded(now) ? undefined : { ...fail(owing(now, ports.now()), toProblem(error), ports.now()), calledOff: true },
    ),
  );

/**
 * Cancels everything below a task, and brings on what is made of others there: it ends with the last of these. Resolves with
 * whether nothing was left out.
 */
export async function cancelFamily(
  ports: Ports,
  id: string,
  cancel: typeof cancelAllBelow | typeof cancelBelow = cancelBelow,
): Promise<boolean> {
  const { isWhole, madeOfOthers } = await cancel(ports, id);
  for (const other of madeOfOthers) await advance(ports, other);
  return isWhole;
}

/** Tells of the end of one, and cancels what it has left below it, if that is owed. */
async function settleEnd(ports: Ports, task: Task): Promise<Task> {
  if (task.obligations.children === undefined) return task;
  await ports.store.appendEvents(finalEvents(task));
  if (!(await cancelFamily(ports, task.id, cancelAllBelow))) return task;
  await leaveParent(ports, task);
  return ports.store.change(task.id, settledBelow);
}

/** The task once nothing goes on below it. */
const settledBelow = (task: Task): Task => ({ ...task, obligations: without(task.obligations, "children") });
