import { isTerminal } from "../../contract/lifecycle.ts";
import { isSettled, type Task } from "../../contract/task.ts";
import { calledOff } from "../../engine/cancellation.ts";
import { cancelUnlessEnded } from "../../engine/orchestration/cancelling.ts";
import type { Ports } from "../../engine/ports.ts";
import { endSessionForGood } from "../../engine/session-end.ts";
import { readable, readableOrNewer } from "../../store/stored-task.ts";

const LOOK_AGAIN_MS = 1000;

/**
 * Resolves once a task that has ended owes nothing, and neither does what it dispatched, which is cancelled if it still
 * goes on: nobody is left who would wait for it. Once `signal` aborts, resolves with those that still owe something.
 */
export async function settleTask(ports: Ports, taskId: string, signal: AbortSignal): Promise<Task[]> {
  for (;;) {
    const open = await openFamily(ports, taskId);
    const [first] = open;
    if (!first || signal.aborted) return open;
    for (const task of open) if (task.id !== taskId && !isTerminal(task.status)) await cancelUnlessEnded(ports, task);
    await ports.store.waitForChange(first.id, first.revision, LOOK_AGAIN_MS, signal);
  }
}

/** What a task still owes, in words. */
export const describeObligations = ({ id, obligations }: Task): string =>
  `${Object.keys(obligations).join(" and ")} of ${id}`;

/**
 * Ends the sessions of a task and of what it dispatched, whatever they are doing, and cancels what goes on: resolves once no
 * machine of theirs can run any more, which takes as long as an invocation may that was sent before.
 */
export async function endSessions(ports: Ports, taskId: string): Promise<void> {
  const family = await openFamily(ports, taskId);
  await Promise.all(
    family.map(async ({ id }) => {
      // What waits in the queue has no session; none begins of what is cancelled.
      const task = await ports.store.change(id, (now) =>
        now.status === "queued" ? undefined : calledOff(now, ports.now()),
      );
      await endSessionForGood(ports, task);
    }),
  );
}

/**
 * The sessions that tasks still need: of tasks that have not ended, but not of the `ending` one and what it dispatched.
 * Undefined if nobody can tell, because a newer version of the program wrote an open task: any session may be its.
 */
export async function neededSessions(
  { store }: Pick<Ports, "store">,
  ending?: string,
): Promise<Set<string> | undefined> {
  const needed = new Set<string>();
  const { tasks, hasNewer } = await openTasks({ store });
  if (hasNewer) return undefined;
  for (const task of tasks) {
    const isOver = isTerminal(task.status) || (ending !== undefined && (await descends({ store }, task, ending)));
    if (!isOver && task.obligations.session !== undefined) needed.add(task.obligations.session);
  }
  return needed;
}

/** Whether a task has not ended, or owes something, of those that this version of the program can bring on. */
export async function isAnythingOpen({ store }: Pick<Ports, "store">): Promise<boolean> {
  for (const id of await store.listDue(Number.MAX_SAFE_INTEGER, 100_000)) {
    const task = await readable(store, id);
    if (task && !isSettled(task)) return true;
  }
  return false;
}

/** Every task that is not settled, and whether there are others, which a newer version of the program wrote. */
async function openTasks({ store }: Pick<Ports, "store">): Promise<{ tasks: Task[]; hasNewer: boolean }> {
  const ids = await store.listDue(Number.MAX_SAFE_INTEGER, 100_000);
  const found = await Promise.all(ids.map((id) => readableOrNewer(store, id)));
  const tasks = found.filter((task) => task !== undefined && task !== "newer").filter((task) => !isSettled(task));
  return { tasks, hasNewer: found.includes("newer") };
}

/** Of everything that is not settled, the task itself and what it dispatched, directly or through others. */
async function openFamily(ports: Ports, taskId: string): Promise<Task[]> {
  const family: Task[] = [];
  for (const task of (await openTasks(ports)).tasks) if (await descends(ports, task, taskId)) family.push(task);
  return family;
}

async function descends({ store }: Pick<Ports, "store">, task: Task, ancestorId: string): Promise<boolean> {
  for (let at: Task | undefined = task; at; at = at.parent === undefined ? undefined : await readable(store, at.parent))
    if (at.id === ancestorId) return true;
  return false;
}
