import { setTimeout as sleep } from "node:timers/promises";
import type { ExpectStatic } from "vitest";
import { isTerminal } from "../../../lib/contract/lifecycle.ts";
import { isSettled, type Json, type Task } from "../../../lib/contract/task.ts";
import { ownerOf } from "../../../lib/engine/owner.ts";
import type { CloudSystem } from "../../emulators/cloud-system.ts";
import type { VirtualMachines } from "../../faults/machines.ts";
import { Chance } from "../../storms/random.ts";
import type { OpenedCloud } from "../cloud-under-test.ts";
import { TreeLooks } from "./tree-looks.ts";
import { budgetOf, kinds, profileOf, type TreeSize } from "./tree-profiles.ts";
import { judgeTree } from "./tree-verdict.ts";

/** Seconds of a job that goes on until the tree has grown. */
export const HELD_SECONDS = 4321;
/** Of such jobs: more would leave no place for those that end. */
const MOST_HELD = 4;
const LANES = 3;
const TICK_MS = 500;
/** Calls that a tree refuses which has nothing left, before nobody asks any more. */
const MOST_REFUSED = 30;
/** More than come while a call is sent again. */
const MOST_ATTEMPTS = 20;

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
export async function treeStorm(storm: Storm, seed: number, size: TreeSize) {
  const { most, kills } = size;
  const { cloud, opened, machines, release, expect } = storm;
  const startedMs = performance.now();
  const chance = new Chance(seed);
  const owner = ownerOf(opened.caller.userArn);
  const kind = kinds[seed % kinds.length] ?? "free";
  const profile = profileOf(kind, size);
  const looks = new TreeLooks(cloud, owner);
  const refused: Record<string, number> = {};
  const met: Record<string, number> = {};
  const count = (of: Record<string, number>, what: string) => {
    of[what] = (of[what] ?? 0) + 1;
  };
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
      const [final] = (reply && /tree\.limit|task\.terminal|task\.not_found/.exec(JSON.stringify(reply.text))) ?? [];
      if (final !== undefined) return void count(refused, final);
      if (attempt === MOST_ATTEMPTS) throw new Error(`${tool} has no answer: ${JSON.stringify(reply?.text)}`);
      await sleep(50 * attempt);
    }
  };
  const keyed = ([tool, input]: [string, Json]) => insist(tool, { ...input, idempotency_key: `${seed} ${names++}` });

  const root = (await keyed(agent(HELD_SECONDS)))?.taskId as string;
  let isGrown = false;
  const grow = async () => {
    for (let attempt = 0; attempt < most && !isGrown; attempt++) {
      const tasks = await looks.all();
      const isRootThere = tasks.some(({ id, status }) => id === root && !isTerminal(status) && status !== "cancelling");
      const isFull = tasks.length >= most || (refused["tree.limit"] ?? 0) >= MOST_REFUSED;
      isGrown = isFull || !isRootThere;
      const held = tasks.filter((task) => isHeld(task) && !isTerminal(task.status));
      const parent = chance.pick(held.filter(({ status }) => status === "running"))?.id;
      const isToHold = held.length < MOST_HELD && chance.is(0.3);
      if (parent === undefined) await sleep(TICK_MS);
      else await keyed(chance.is(0.25) ? many(parent) : agent(isToHold ? HELD_SECONDS : 0.2, parent));
    }
  };
  const trouble = async () => {
    for (let left = kills; left > 0; left--) {
      await sleep(TICK_MS * chance.between(1, 6));
      const tasks = (await looks.all()).filter((task) => !isSettled(task));
      if (isGrown && tasks.every(({ id }) => id === root)) return;
      const state = chance.pick([...cloud.taskStates, "mcp", "mcp"]) ?? "mcp";
      const what = chance.pick(["die", "die", "kill", "abort", "abort", "cancel"]) ?? "die";
      // Met by the next one there, if any comes.
      if (what === "die") void cloud.dieAt(state, opened.caller).then(() => count(met, what));
      else count(met, what);
      if (what === "kill") await cloud.functions[state]?.killAll();
      // What it has called goes on meanwhile.
      if (what === "abort") void chance.pick(looks.running(tasks))?.abort();
      const node = chance.pick(tasks.filter(({ id }) => id !== root));
      if (what === "cancel" && node) await insist("cancel_task", { task_id: node.id, cascade: chance.is(0.8) });
    }
  };
  let isReleased = false;
  const keepHouse = async () => {
    for (;;) {
      const tasks = await looks.all();
      if (isReleased && tasks.every(isSettled)) return;
      await looks.recoverDead(tasks);
      await sleep(TICK_MS);
    }
  };
  const live = async () => {
    await Promise.all([trouble(), ...Array.from({ length: LANES }, grow)]);
    if (chance.is(0.5)) await insist("cancel_task", { task_id: root });
    release();
    isReleased = true;
  };
  await Promise.all([live(), keepHouse()]);
  const budget = budgetOf(kind, size);
  const ended = await judgeTree({
    ...{ cloud, looks, owner, root, most, expect, facts: machines.facts },
    ...(kind === "bounded" && { budgetUsd: budget }),
  });
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  return { seed, profile, ...ended, budget, met, refused, seconds };
}

const isHeld = ({ input }: Task): boolean => JSON.stringify(input).includes(String(HELD_SECONDS));
