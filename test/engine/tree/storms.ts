import { expect, it } from "vitest";
import { DispatchError } from "../../../lib/contract/errors.ts";
import { hasEnded, isSettled, type Json, type Task, without } from "../../../lib/contract/task.ts";
import { openTaskStore } from "../../../lib/store/dynamodb/task-store.ts";
import { mortalPorts } from "../../fixtures/mortal-ports.ts";
import { Chance } from "../../storms/random.ts";
import { type Ending, nothingLeft, plane } from "../orchestration/plane.ts";
import { assertTruthful } from "../orchestration/storms.ts";
import { items, onDynalite } from "../orchestration/system.ts";
import type { Kind } from "./planes.ts";

/** How large a tree may become, and how much happens to it. */
type Size = { most: number; steps: number };
/** Cancels and recoveries in one storm, about. */
const CANCELS = 12;
const RECOVERIES = 12;

/**
 * One tree that grows at random: jobs below jobs, and tasks that are made of others in between. Those who take its steps die
 * after random writes, random tasks of it are cancelled, its budget and its places may run out, and recovery comes. Whatever
 * happened: nothing is left, no job began twice, it never had more tasks than it might, each cost is counted once, bounded
 * agents, of which every second tree is made, together never spent more than its budget, and what each says of its children is so.
 */
export function treeStormsOn(kind: Kind, seeds: readonly number[], { most, steps }: Size): void {
  const table = onDynalite(kind);

  it.each(seeds)(`a tree of up to ${most} tasks, seed %i`, { timeout: 1_800_000 }, async (seed) => {
    const chances = new Chance(seed);
    const chance = () => chances.next();
    const pick = <T>(all: readonly T[]): T => chances.pick(all) as T;
    const upTo = (limit: number) => chances.between(1, limit);
    const at = table();
    const limits = {
      ...{ maxDepth: upTo(6) + 2, maxTreeTasks: most, maxChildren: Math.ceil(most / 3) },
      treeBudgetUsd: chance() < 0.5 ? upTo(most / 4) : 10 * most,
      ...(seed % 2 === 0 && { maxBudgetUsd: upTo(4) / 2 }),
    };
    const isBounded = limits.maxBudgetUsd !== undefined;
    const own = plane({
      owner: `owner-${kind}-${seed}`,
      maxRunning: upTo(6),
      limits,
      ...(at && { store: openTaskStore(at) }),
    });
    const ending: Ending = (position) => ((seed + position) % 7 === 0 ? "failed" : "succeeded");
    const loose = new Set<string>();
    let jobs = 0;
    let by = mortalPorts(own.ports, {});
    const reborn = () => {
      if (by.died.yet || chance() < 0.1) by = mortalPorts(own.ports, chance() < 0.6 ? { dies: upTo(40) } : {});
    };
    /** A process that is dead, or a call that is refused, is nothing to wonder at. */
    const tried = async (work: Promise<unknown>) =>
      work.catch((error: unknown) => {
        if (!(error instanceof DispatchError) && !String(error).includes("this process is dead")) throw error;
      });
    const wanted = (): [type: string, input: Json] => {
      const which = chance();
      const name = `${seed} ${jobs++}`;
      if (which < 0.6 && isBounded) return ["agent.run", { instruction: name }];
      if (which < 0.6) return ["command.run", { command: `true ${name}` }];
      if (which < 0.7) return ["dialogue.run", { requester: "local", responder: "local", topic: name, max_rounds: 2 }];
      const more = { max_parallel: upTo(4), ...(chance() < 0.3 && { fail_fast: true }) };
      return ["parallel.run", { items: items(upTo(8)).map((item) => ({ ...item, goal: name })), ...more }];
    };
    const root = (await own.service().dispatch(own.call("command.run", { command: "true root" }))).taskId;
    await own.work(await own.read(root), own.ports, ending);

    let open: Task[] = [];
    const grow = async () => {
      const above = open.filter(({ status, orchestration }) => status === "running" && !orchestration);
      if (above.length === 0) return;
      const metadata = { parentTaskId: pick(above).id };
      const key = chance() < 0.5 ? { idempotency_key: `key ${jobs}` } : {};
      const call = own.call(...wanted(), { metadata, ...key });
      await tried(own.service(by).dispatch(call));
      // Whoever has no answer sends the call again.
      if ("idempotency_key" in call) await tried(own.service().dispatch(call));
    };
    const act = async () => {
      const what = chance();
      const [recovered, cancelled] = [RECOVERIES / (2 * steps), CANCELS / (2 * steps)];
      if (what < recovered) return own.recover(by);
      const isCancelled = what < recovered + cancelled;
      if (!isCancelled && isGrowing && what < 0.4) return grow();
      const task = pick(isCancelled ? open : open.filter(({ status }) => status !== "queued"));
      if (isCancelled && task.id !== root) {
        const cascade = chance() < 0.8;
        if (!cascade) loose.add(task.id);
        return own.service(by).cancel({ task_id: task.id, cascade });
      }
      // The root lives as long as the storm.
      return task.id === root ? undefined : own.work(await own.read(task.id), by, ending);
    };
    let isGrowing = true;
    for (let step = 0; step < steps; step++) {
      isGrowing = step < 0.7 * steps;
      // Its worker answers, so that it is not given up.
      if (step % 5 === 0) await own.ports.store.change(root, (task) => without(task, "recoveries"));
      if (step % (most > 100 ? 20 : 5) === 0) open = (await own.all()).filter((task) => !isSettled(task));
      reborn();
      await Promise.all(Array.from({ length: upTo(3) }, () => tried(act())));
    }
    const before = await own.all();
    expect((await own.read(root)).status).toBe("running");
    // Then it ends, and leaves nothing, however many ran: by one who dies over it, and by others.
    await tried(own.work(await own.read(root), by, ending));
    await own.drain(ending);
    for (let task = 0; task < 6; task++) await own.service().dispatch(own.call("command.run", { command: "true" }));
    await own.drain(ending);
    expect(await own.left()).toEqual(nothingLeft);
    expect(own.twice()).toEqual([]);

    const all = await own.all();
    const tree = await own.ports.store.getTree(root);
    const below = all.filter((task) => task.root === root);
    expect(below.length).toBeGreaterThanOrEqual(before.length - 1);
    const counted = tree?.tasks ?? [];
    expect(counted.length).toBeLessThan(most);
    // An item that was refused is a task too, of which nothing ever ran.
    const wasRefused = ({ error, position, phases }: Task) =>
      position !== undefined && phases.provisioning === undefined && /^(tree\.|task\.terminal)/.test(error?.code ?? "");
    for (const task of below) if (!wasRefused(task)) expect(counted, JSON.stringify(task)).toContain(task.id);
    for (const [parent, count] of Object.entries(tree?.children ?? {})) {
      expect(count).toBeLessThanOrEqual(limits.maxChildren);
      const made = below.filter((task) => task.parent === parent && !wasRefused(task));
      expect(made.length).toBeLessThanOrEqual(count);
    }
    const spent = below.reduce(
      (sum, { usage, orchestration }) => sum + (orchestration ? 0 : Number(usage?.costUsd ?? 0)),
      0,
    );
    expect(tree?.spentUsd ?? 0).toBe(spent);
    expect(tree?.setAsideUsd ?? {}).toEqual({});
    if (isBounded) expect(spent).toBeLessThanOrEqual(limits.treeBudgetUsd);
    const ends: Record<string, number> = {};
    for (const { status } of below) ends[status] = (ends[status] ?? 0) + 1;
    const outOfBudget = below.filter(({ error }) => error?.details?.limit === "treeBudgetUsd").length;
    const seen = { kind, seed, tasks: below.length, ...ends, outOfBudget, spent, budget: limits.treeBudgetUsd };
    process.stdout.write(`${JSON.stringify(seen)}\n`);
    for (const task of all) {
      expect(hasEnded(task)).toBe(true);
      if (task.orchestration && !loose.has(task.id)) await assertTruthful(own, task, all);
    }
  });
}
