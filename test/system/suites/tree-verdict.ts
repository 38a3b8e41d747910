import type { ExpectStatic } from "vitest";
import { hasEnded, type Task } from "../../../lib/contract/task.ts";
import { childId } from "../../../lib/engine/orchestration/children.ts";
import type { CloudSystem } from "../../emulators/cloud-system.ts";
import { assertTruthful } from "../../engine/orchestration/storms.ts";
import type { JobFact } from "../../faults/jobs.ts";
import { patiently, type TreeLooks } from "./tree-looks.ts";

type Grown = {
  cloud: CloudSystem;
  looks: TreeLooks;
  owner: string;
  root: string;
  /** Each start of a job. */
  facts: readonly JobFact[];
  /** What the tree might have: tasks, and US dollars, where it can be kept to those. */
  most: number;
  budgetUsd?: number;
  expect: ExpectStatic;
};

/** What holds of a tree that has ended, whatever happened. Resolves with its figures. */
export async function judgeTree({ cloud, looks, owner, root, facts: all, most, budgetUsd, expect }: Grown) {
  const { store } = cloud;
  const tasks = await looks.all();
  const ids = new Set(tasks.map(({ id }) => id));
  const facts = all.filter(({ taskId }) => ids.has(taskId));
  const factOf = new Map(facts.map((fact) => [fact.taskId, fact]));
  expect(facts.filter((fact) => factOf.get(fact.taskId) !== fact)).toEqual([]);
  for (const task of tasks) {
    expect(hasEnded(task)).toBe(true);
    if (task.status === "succeeded" && !task.orchestration) expect(factOf.get(task.id)?.end).toBe("succeeded");
    const children = (id: string, count: number) =>
      Promise.all(
        Array.from({ length: count }, async (_, at) => {
          const child = await childId(id, at);
          return patiently(() => store.get(child));
        }),
      );
    if (task.orchestration && !(task.status === "cancelled" && !task.calledOff))
      await assertTruthful({ children }, task, tasks);
  }
  expect((await patiently(() => store.listSlots(owner))).running).toEqual([]);
  expect(await patiently(() => store.listQueue(owner, 10))).toEqual([]);
  // The last step of an execution may have settled its task, and not answered yet.
  await expect.poll(() => looks.running(tasks).map(({ name }) => name), { timeout: 600_000 }).toEqual([]);
  await expect.poll(() => cloud.emulator.inventory.sessions, { timeout: 600_000 }).toEqual([]);
  const tree = await patiently(() => store.getTree(root));
  expect((tree?.tasks ?? []).length).toBeLessThan(most);
  expect(tree?.setAsideUsd ?? {}).toEqual({});
  const below = tasks.filter((task) => task.root === root);
  const spent = costs(below);
  if (budgetUsd !== undefined) expect(spent).toBeLessThanOrEqual(budgetUsd);
  const ends: Record<string, number> = {};
  for (const { status } of tasks) ends[status] = (ends[status] ?? 0) + 1;
  const outOfBudget = below.filter(({ error }) => error?.details?.limit === "treeBudgetUsd").length;
  return { tasks: tasks.length, ...ends, jobs: facts.length, outOfBudget, spent };
}

const costs = (some: readonly Task[]) =>
  some.reduce((sum, { usage, orchestration }) => sum + (orchestration ? 0 : Number(usage?.costUsd ?? 0)), 0);
