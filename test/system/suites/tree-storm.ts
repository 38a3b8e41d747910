import { setTimeout as sleep } from "node:timers/promises";
import type { ExpectStatic } from "vitest";
import type { ConfigurationInput } from "../../../lib/contract/configuration.ts";
import { RetryableError } from "../../../lib/contract/errors.ts";
import { hasEnded, isSettled, type Json, type Task } from "../../../lib/contract/task.ts";
import { childId } from "../../../lib/engine/orchestration/children.ts";
import { ownerOf } from "../../../lib/engine/owner.ts";
import type { CloudSystem } from "../../emulators/cloud-system.ts";
import { assertTruthful } from "../../engine/orchestration/storms.ts";
import type { VirtualMachines } from "../../faults/machines.ts";
import { Chance } from "../../storms/random.ts";
import type { OpenedCloud } from "../cloud-under-test.ts";

/** Seconds of a job that goes on until the tree has grown. */
export const HELD_SECONDS = 4321;
const LANES = 3;
const TICK_MS = 500;
/** More than come while a call is sent again. */
const MOST_ATTEMPTS = 20;

/** What agents of trees may spend: as much as they like, more than there is, and no more than there is in any case. */
export const treeProfiles = (most: number): ConfigurationInput["runtimes"] => {
  const agent = { backend: "agentcore", target: { mode: "session" }, framework: "echo" } as const;
  const limits = { maxRunning: 6, maxTreeTasks: most };
  return {
    free: { ...agent, limits: { ...limits, treeBudgetUsd: 10 * most } },
    tight: { ...agent, limits: { ...limits, treeBudgetUsd: Math.ceil(most / 4) } },
    bounded: { ...agent, limits: { ...limits, treeBudgetUsd: Math.ceil(most / 4), maxBudgetUsd: 1 } },
  };
};
const profiles = ["free", "tight", "bounded"] as const;

type Storm = {
  cloud: CloudSystem;
  opened: OpenedCloud;
  machines: VirtualMachines;
  /** Lets the jobs end that go on until then. */
  release: () => void;
  expect: ExpectStatic;
};

/**
 * A tree that grows by a seed through the endpoint, while environments of functions are killed between an effect and its answer or
 * in the middle, executions are aborted, tasks are cancelled, and money runs out. Resolves with what became of it. Whatever happened: every
 * task ends, no job was started twice, nothing is left, bounded agents kept to the budget together, and what each task says of its children is so.
 */
export async function treeStorm(storm: Storm, seed: number, { most, kills }: { most: number; kills: number }) {
  const { cloud, opened, machines, release, expect } = storm;
  const chance = new Chance(seed);
  const owner = ownerOf(opened.caller.userArn);
  const profile = profiles[seed % profiles.length] ?? "free";
  const all = () => tasksOf(cloud, owner);
  let names = 0;
  const job = (seconds: number): string => {
    const end = chance.is(0.15) ? "failed" : "succeeded";
    return JSON.stringify({ name: `${seed}-${names++}`, seconds, lines: 1, asks: 0, files: 0, end, usd: 1 });
  };
  const agent = (seconds: number, parent?: string): [string, Json] => [
    "spawn_cloud_agent",
    { instruction: job(seconds), runtime: profile, ...(parent && { metadata: { parentTaskId: parent } }) },
  ];
  const many = (parent: string): [string, Json] => {
    const items = Array.from({ length: chance.between(2, 8) }, () => ({ instruction: job(0.2), runtime: profile }));
    const place = { provider: "aws", account_profile: "aws", capability: "agent-runtime", target: { mode: "session" } };
    const input = { items, max_parallel: chance.between(1, 4), ...(chance.is(0.3) && { fail_fast: true }) };
    return ["dispatch_task", { ...place, task_type: "parallel.run", input, metadata: { parentTaskId: parent } }];
  };
  /** As a client does whose answer is lost: with the same key. Resolves with the answer, or undefined for one that was refused. */
  const insist = async (tool: string, input: Json): Promise<Json | undefined> => {
    for (let attempt = 1; ; attempt++) {
      const reply = await opened.client.call(tool, input).catch(() => undefined);
      if (reply && !reply.isError) return reply.structured ?? {};
      const isFinal = reply && /tree\.limit|task\.terminal|task\.not_found/.test(JSON.stringify(reply.text));
      if (isFinal) return undefined;
      if (attempt === MOST_ATTEMPTS) throw new Error(`${tool} has no answer: ${JSON.stringify(reply?.text)}`);
      await sleep(50 * attempt);
    }
  };
  const keyed = ([tool, input]: [string, Json]) => insist(tool, { ...input, idempotency_key: `${seed} ${names++}` });

  const handle = await keyed(agent(HELD_SECONDS));
  const root = handle?.taskId as string;
  let isGrown = false;
  const grow = async () => {
    for (let attempt = 0; attempt < most && !isGrown; attempt++) {
      const tasks = await all();
      const { status } = tasks.find(({ id }) => id === root) as Task;
      isGrown = tasks.length >= most || !["queued", "provisioning", "starting", "running"].includes(status);
      const above = tasks.filter((task) => task.status === "running" && !task.orchestration && isHeld(task));
      const parent = chance.pick(above)?.id;
      if (parent === undefined) await sleep(TICK_MS);
      else await keyed(chance.is(0.25) ? many(parent) : agent(chance.is(0.3) ? HELD_SECONDS : 0.2, parent));
    }
  };

  const met: Record<string, number> = {};
  const trouble = async () => {
    for (let left = kills; left > 0; left--) {
      await sleep(TICK_MS * chance.between(1, 6));
      const tasks = (await all()).filter((task) => !isSettled(task));
      const state = chance.pick([...cloud.taskStates, "mcp", "mcp"]) ?? "mcp";
      const what = chance.pick(["die", "die", "kill", "abort", "abort", "cancel"]) ?? "die";
      met[what] = (met[what] ?? 0) + 1;
      // Met by the next one there, if any comes.
      if (what === "die") void cloud.dieAt(state, opened.caller);
      if (what === "kill") await cloud.functions[state]?.killAll();
      if (what === "abort") await chance.pick(runningOf(cloud, tasks))?.abort();
      const node = chance.pick(tasks.filter(({ id }) => id !== root));
      if (what === "cancel" && node) await insist("cancel_task", { task_id: node.id, cascade: chance.is(0.8) });
      await recoverDead(cloud, tasks);
    }
  };
  await Promise.all([trouble(), ...Array.from({ length: LANES }, grow)]);
  const grown = (await all()).length;
  if (chance.is(0.5)) await insist("cancel_task", { task_id: root });
  release();
  for (let tasks = await all(); !tasks.every(isSettled); tasks = await all()) {
    await recoverDead(cloud, tasks);
    await sleep(TICK_MS);
  }

  const tasks = await all();
  const ids = new Set(tasks.map(({ id }) => id));
  const facts = machines.facts.filter(({ taskId }) => ids.has(taskId));
  const twice = facts.filter(({ taskId }, at) => facts.findIndex((fact) => fact.taskId === taskId) !== at);
  expect(twice).toEqual([]);
  expect(tasks.length).toBeGreaterThanOrEqual(grown);
  for (const task of tasks) {
    expect(hasEnded(task)).toBe(true);
    const fact = facts.find(({ taskId }) => taskId === task.id);
    if (task.status === "succeeded" && !task.orchestration) expect(fact?.end).toBe("succeeded");
    const children = (id: string, count: number) =>
      Promise.all(
        Array.from({ length: count }, async (_, at) => {
          const child = await childId(id, at);
          return patiently(() => cloud.store.get(child));
        }),
      );
    if (task.orchestration && !(task.status === "cancelled" && !task.calledOff))
      await assertTruthful({ children }, task, tasks);
  }
  expect((await patiently(() => cloud.store.listSlots(owner))).running).toEqual([]);
  expect(await patiently(() => cloud.store.listQueue(owner, 10))).toEqual([]);
  expect(runningOf(cloud, tasks)).toEqual([]);
  await expect.poll(() => cloud.emulator.inventory.sessions, { timeout: 600_000 }).toEqual([]);
  const tree = await patiently(() => cloud.store.getTree(root));
  const below = tasks.filter((task) => task.root === root);
  const costs = (some: readonly Task[]) =>
    some.reduce((sum, { usage, orchestration }) => sum + (orchestration ? 0 : Number(usage?.costUsd ?? 0)), 0);
  expect((tree?.tasks ?? []).length).toBeLessThan(most);
  expect(tree?.setAsideUsd ?? {}).toEqual({});
  const budget = Number(treeProfiles(most)?.[profile]?.limits?.treeBudgetUsd);
  if (profile === "bounded") expect(costs(below)).toBeLessThanOrEqual(budget);
  const ends: Record<string, number> = {};
  for (const { status } of tasks) ends[status] = (ends[status] ?? 0) + 1;
  const outOfBudget = below.filter(({ error }) => error?.details?.limit === "treeBudgetUsd").length;
  return {
    seed,
    profile,
    tasks: tasks.length,
    ...ends,
    jobs: facts.length,
    met,
    outOfBudget,
    spent: costs(tasks),
    budget,
  };
}

const isHeld = ({ input }: Task): boolean => JSON.stringify(input).includes(String(HELD_SECONDS));

async function tasksOf({ store }: CloudSystem, owner: string): Promise<Task[]> {
  const tasks: (Task | undefined)[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await patiently(() => store.list(owner, { limit: 100, ...(cursor !== undefined && { cursor }) }));
    // What a page says may lag behind.
    for (const { id } of page.items) tasks.push(await patiently(() => store.get(id)));
    cursor = page.cursor;
    if (cursor === undefined) return tasks.filter((task) => task !== undefined);
  }
}

const runningOf = (cloud: CloudSystem, tasks: readonly Task[]) =>
  tasks.flatMap(({ id }) => cloud.executionsOf(id)).filter(({ status }) => status === "RUNNING");

/** What the janitor does once it is due: for tasks that nobody works on, and for those that have no execution. */
async function recoverDead(cloud: CloudSystem, tasks: readonly Task[]): Promise<void> {
  const dead = tasks.filter((task) => !isSettled(task) && runningOf(cloud, [task]).length === 0);
  await patiently(() => cloud.recover(...dead.map(({ id }) => id)));
}

/** On a machine that is busy the store may take longer than its client waits. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error;
    }
  }
}
