import { virtualSystem } from "../fixtures/virtual-system.ts";
import { forAll, usage } from "../fuzz.ts";
import { type BenchSystem, command } from "./bench-system.ts";
import { figure, quantile } from "./figures.ts";

const QUEUED = 2000;
const CALLS = 300;
const NOTHINGS = 1000;

/** `count` numbers from 0 on. */
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** What 2,000 tasks that wait cost the local system and those who ask it. */
export async function benchQueue({ call, pid }: BenchSystem): Promise<void> {
  const dispatch = async (text: string) => (await call("dispatch_task", command(text))).taskId as string;
  const timed = async (tool: string, input: (index: number) => Record<string, unknown>) => {
    const samples: number[] = [];
    for (const index of numbers(CALLS)) {
      const begin = performance.now();
      await call(tool, input(index));
      samples.push(performance.now() - begin);
    }
    return samples;
  };
  const holders: string[] = [];
  for (const _ of numbers(8)) holders.push(await dispatch("sleep 1800"));
  const queued: string[] = [];
  await forAll(numbers(QUEUED), 16, async () => void queued.push(await dispatch("true")));
  const lists = await timed("list_tasks", () => ({}));
  const statuses = await timed("get_task_status", (index) => ({ task_id: queued[(index * 7) % QUEUED] }));
  const how = `${QUEUED} tasks queued behind 8 that run`;
  figure("local system with 2,000 queued tasks", usage(pid).residentMb, "MB", `resident memory, ${how}`, "<= 250");
  figure("list_tasks, p95", quantile(lists, 0.95), "ms", `${CALLS} calls, ${how}`, "<= 20");
  figure("get_task_status, p95", quantile(statuses, 0.95), "ms", `${CALLS} calls, ${how}`, "<= 20");
  // Those that wait first: a slot that becomes free would let one of them begin.
  for (const ids of [queued, holders])
    await forAll(ids, 16, async (task_id) => void (await call("cancel_task", { task_id })));
  for (const task_id of holders) await call("wait_for_task", { task_id });
}

/** The control plane alone: store, workflow and steps, with workers that are objects in the same process. */
export async function benchNothing(): Promise<void> {
  await using system = virtualSystem();
  const begin = performance.now();
  const ids: string[] = [];
  for (const _ of numbers(NOTHINGS)) ids.push(await system.dispatch());
  const tasks = await Promise.all(ids.map((id) => system.settled(id)));
  const seconds = (performance.now() - begin) / 1000;
  if (tasks.some(({ status }) => status !== "succeeded")) throw new Error("a task did not succeed");
  const how = `${NOTHINGS} tasks through store, workflow and steps until settled, workers in the same process, SQLite`;
  figure("no-op tasks", NOTHINGS / seconds, "tasks/s", how, ">= 300");
}
