import { setTimeout as pause } from "node:timers/promises";
import { Sweeper } from "../../lib/engine/janitor/janitor.ts";
import { recoverDue } from "../../lib/engine/recovery.ts";
import type { Work } from "./tally.ts";
import { openVirtualCloud, type Target, type VirtualCloud } from "./virtual-cloud.ts";

/** What one task was counted to do. */
export type CountedTask = {
  minutes: number;
  target: Target;
  /** Whether its caller waits for it, from its dispatch to its end. */
  waits: boolean;
  transitions: number;
  /** Events in the history of its execution. */
  history: number;
  functions: Record<string, Work>;
  s3Writes: number;
  s3Reads: number;
  storedBytes: number;
};

/** A job as it is counted: a line of 100 characters each minute, and one small file. */
const jobOf = (minutes: number) => ({
  // It ends before the longest timeout there is.
  durationMs: minutes * 60_000 - 1000,
  lineMs: 60_000,
  lineLength: 100,
  files: 1,
});

/** Counts a task from its dispatch until it owes nothing, with one look at its status, where nobody waits, and its result. */
export async function countTask(minutes: number, target: Target, { waits = false } = {}): Promise<CountedTask> {
  await using cloud = await openVirtualCloud(jobOf(minutes));
  return await cloud.tally.hearing(async () => {
    if (target === "reused") {
      cloud.job(jobOf(1));
      await runTask(cloud, target, false);
      cloud.job(jobOf(minutes));
      cloud.reset();
    }
    const [bytesBefore, s3Before] = [await cloud.storedBytes(), cloud.s3()];
    await runTask(cloud, target, waits);
    const s3 = cloud.s3();
    const { sessions, runtimes } = cloud.left();
    if (sessions.length > 0 || (target === "own" && runtimes.length > 0))
      throw new Error("something is left of a counted task");
    const { transitions, history } = passed(cloud.states);
    return {
      minutes,
      target,
      waits,
      transitions,
      history,
      functions: cloud.tally.work,
      s3Writes: s3.write - s3Before.write,
      s3Reads: s3.read - s3Before.read,
      storedBytes: (await cloud.storedBytes()) - bytesBefore,
    };
  });
}

async function runTask(cloud: VirtualCloud, target: Target, waits: boolean): Promise<void> {
  cloud.clock.join();
  const handle = await cloud.call((service) => service.dispatch(cloud.jobFor(target)));
  const task = { task_id: handle.taskId };
  let isOver = !waits;
  while (!isOver) {
    const seen = await cloud.call((service) => service.wait({ ...task, timeout_seconds: 45 }));
    isOver = !("timedOutWaiting" in seen);
  }
  cloud.clock.leave();
  const { status, error } = await cloud.settled(handle.taskId);
  if (status !== "succeeded") throw new Error(`a counted task has ${status}: ${JSON.stringify(error)}`);
  // A step is over, and has said so, a little after the write that settles its task.
  while (cloud.running() > 0) await pause(10);
  if (!waits) await cloud.call((service) => service.status(task));
  await cloud.call((service) => service.result(task));
}

/** States on the way of a task that is passed once: those without a Wait, and the Choice behind each Task but Provision. */
const LOOPS = ["AwaitReady", "Watch", "Complete", "Cleanup"];
/**
 * Events of a Task state, and of any other:
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
const TASK_EVENTS = 5;
const OTHER_EVENTS = 2;

/** The transitions of an execution, its start and its end among them, and the events of its history. */
function passed(visits: Readonly<Record<string, number>>) {
  const tasks = Object.values(visits).reduce((sum, each) => sum + each, 0);
  const turns = LOOPS.reduce((sum, state) => sum + (visits[state] ?? 0), 0);
  const pauses = LOOPS.reduce((sum, state) => sum + Math.max(0, (visits[state] ?? 0) - 1), 0);
  // A Choice after each visit of a loop, one behind Start, and Done.
  const others = turns + pauses + 2;
  return { transitions: tasks + others + 2, history: tasks * TASK_EVENTS + others * OTHER_EVENTS + 2 };
}

/** What tasks that have to wait for a slot were counted to add, for each of them. */
export type CountedQueue = { tasks: number; hours: number; functions: Record<string, Work> };

/**
 * Counts what it takes to dispatch tasks that have to wait, and to let them wait for some hours while nothing of their owner ends:
 * the janitor looks at them, every five minutes.
 */
export async function countQueue(tasks: number, hours: number): Promise<CountedQueue> {
  await using cloud = await openVirtualCloud(jobOf(1), { maxRunning: 1 });
  return await cloud.tally.hearing(async () => {
    cloud.hold();
    await cloud.call((service) => service.dispatch(cloud.jobFor("session")));
    cloud.reset();
    for (let i = 0; i < tasks; i++) await cloud.call((service) => service.dispatch(cloud.jobFor("session")));
    await runJanitor(cloud, hours);
    return { tasks, hours, functions: cloud.tally.work };
  });
}

/** Counts the janitor's runs of some hours in which it finds nothing. */
export async function countJanitor(hours: number): Promise<Work> {
  await using cloud = await openVirtualCloud(jobOf(1));
  return await cloud.tally.hearing(async () => {
    await runJanitor(cloud, hours);
    return cloud.tally.work.janitor as Work;
  });
}

/** Runs it every five minutes, in one environment. */
async function runJanitor({ invoke, ports, clock }: VirtualCloud, hours: number): Promise<void> {
  const sweeper = new Sweeper(ports);
  for (let look = 0; look < hours * 12; look++) {
    clock.advance(5 * 60_000);
    await invoke("janitor", async () => {
      await recoverDue(ports);
      await sweeper.sweep(() => true);
    });
  }
}
