import type { Pace } from "../backends/inventory.ts";
import { problem } from "../contract/errors.ts";
import { isTerminal } from "../contract/lifecycle.ts";
import { isSettled, type Task } from "../contract/task.ts";
import { isNewer, readable } from "../store/stored-task.ts";
import { breather } from "./admission/breather.ts";
import { Readmission } from "./admission/readmission.ts";
import { dueAt } from "./deadline.ts";
import { advance } from "./orchestration/advance.ts";
import { fail } from "./poll/apply-reply.ts";
import { settle } from "./poll/poll.ts";
import type { Ports } from "./ports.ts";
import { endQueued } from "./tree/queued.ts";

const MAX_RECOVERIES = 5;
const NEXT_LOOK_MS = 60_000;
/** One that waits in a queue, or for others, is due less and less often: a task that ends lets it begin. */
const MAX_QUEUED_LOOK_MS = 600_000;

/**
 * Brings on a task that is due: a queued one back into the queue, any other a new execution in
 * place of the dead one. After five executions that had their chance and made no progress it is failed as `platform.stuck`.
 */
async function recover(
  ports: Ports,
  taskId: string,
  { hadChance, waiting, pace }: { hadChance: boolean; waiting: Readmission; pace: Pace },
): Promise<void> {
  const known = await ports.store.get(taskId);
  if (!known || isSettled(known)) return;
  if (known.orchestration) return recoverOrchestration(ports, known);
  if (known.status === "queued" && (await endQueued(ports, known))) return;
  if (known.status === "queued" && (known.dueAtMs ?? 0) > ports.now()) return waiting.note(known);
  const task = await settle(ports, () =>
    ports.store.change(taskId, (current) => lookedAt(current, hadChance, ports.now())),
  );
  if (isSettled(task)) return;
  if (task.status === "queued") return waiting.add(task);
  waiting.saw(task);
  // What is due stays so for a minute only: it is begun in any case.
  await pace();
  if ((await ports.workflow.start(taskId, task.executionNumber, task.trace)) === "started") return;
  const next = await ports.store.change(taskId, (current) =>
    current.executionNumber === task.executionNumber
      ? { ...current, executionNumber: task.executionNumber + 1 }
      : undefined,
  );
  await ports.workflow.start(taskId, next.executionNumber, next.trace);
}

/** What is made of others has no execution that could have died: whoever was about to bring it on has. */
async function recoverOrchestration(ports: Ports, { id, createdAt, progress }: Task): Promise<void> {
  const waitedSince = progress?.timestamp ?? createdAt;
  await ports.store.change(id, (task) => {
    // What goes on although it was cancelled is not waited for.
    const nextLookMs = task.obligations.children ? NEXT_LOOK_MS : untilNextLookMs(waitedSince, ports.now());
    return isSettled(task) ? undefined : { ...task, dueAtMs: dueAt(task, ports.now() + nextLookMs) };
  });
  await advance(ports, id);
}

type Pass = {
  /** Most tasks that are recovered of those that have begun, and of those that wait; default 1000. */
  limit?: number;
  /** How many are recovered at once; default 1. */
  lanes?: number;
  /** Whether there is time for another; default always. */
  mayGoOn?: () => boolean;
  /** Asked before each execution, which asks services in its turn; default at once. */
  pace?: Pace;
  /**
   * Whether somebody was there to carry the executions on since the last pass; default true. A restart, or a
   * machine that slept, says nothing of a task, and does not count against it.
   */
  hadChance?: boolean;
};

/**
 * Recovers what is due, the most overdue first: tasks that have begun, and then those that wait, however many they are.
 * Resolves with how many were recovered, and how many are left for later.
 */
export async function recoverDue(
  ports: Ports,
  { limit = 1000, ...rest }: Pass = {},
): Promise<{ recovered: number; left: number }> {
  const begun = await ports.store.listDue(ports.now(), limit, "begun");
  const queued = await ports.store.listDue(ports.now(), limit, "queued");
  // One that begins meanwhile may be in both.
  const ids = [...new Set([...begun, ...queued])];
  const recovered = await recoverAll(ports, ids, rest);
  return { recovered, left: ids.length - recovered };
}

/**
 * Recovers a task whose execution of that number has just died, unless it is at the same point as when it was recovered last: what
 * fails again and again is tried when it is due. Resolves with whether it was recovered.
 */
export async function recoverDead(ports: Ports, taskId: string, executionNumber: number): Promise<boolean> {
  const task = await readable(ports.store, taskId);
  const isItsLast = task !== undefined && !isSettled(task) && task.executionNumber === executionNumber;
  if (!isItsLast || task.status === "queued" || task.recoveries?.atPhase === phaseOf(task)) return false;
  return (await recoverAll(ports, [taskId])) > 0;
}

/** Recovers these tasks; one that cannot be recovered now is logged, and due again later. Resolves with how many were. */
export async function recoverAll(
  ports: Ports,
  ids: readonly string[],
  { lanes = 1, mayGoOn = () => true, hadChance = true, pace = async () => true }: Omit<Pass, "limit"> = {},
): Promise<number> {
  const pending = ids.values();
  const waiting = new Readmission(ports);
  const breathe = breather();
  let recovered = 0;
  const lane = async () => {
    while (mayGoOn()) {
      const { done, value: id } = pending.next();
      if (done) return;
      await breathe();
      try {
        await recover(ports, id, { hadChance, waiting, pace });
        recovered++;
      } catch (error) {
        if (isNewer(error)) ports.log.info("a task is left to the version that wrote it", { taskId: id });
        else ports.log.error("a task could not be recovered", { taskId: id, error: String(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  await waiting.admit();
  return recovered;
}

function lookedAt(task: Task, hadChance: boolean, nowMs: number): Task | undefined {
  if (isSettled(task)) return undefined;
  if (task.status === "queued") {
    const nextLookMs = untilNextLookMs(task.createdAt, nowMs);
    return { ...task, dueAtMs: dueAt({ deadlineAtMs: task.treeEndsAtMs }, nowMs + nextLookMs) };
  }
  const later = { ...task, dueAtMs: nowMs + NEXT_LOOK_MS };
  if (!hadChance) return later;
  const atPhase = phaseOf(task);
  const count = task.recoveries?.atPhase === atPhase ? task.recoveries.count + 1 : 1;
  const counted = { ...later, recoveries: { count, atPhase } };
  if (count <= MAX_RECOVERIES || isTerminal(task.status)) return counted;
  const stuck = problem("platform.stuck", `the task made no progress in ${MAX_RECOVERIES} executions`, {
    hint: "the log of the workflow steps says why; dispatch the task again",
  });
  return fail(counted, stuck, nowMs);
}

/** How far it has come: statuses are never gone back to. */
const phaseOf = ({ phases }: Task): number => Object.keys(phases).length;

/** As long again as it has waited. */
function untilNextLookMs(since: string, nowMs: number): number {
  return Math.min(MAX_QUEUED_LOOK_MS, Math.max(NEXT_LOOK_MS, nowMs - Date.parse(since)));
}
