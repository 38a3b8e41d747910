import { expect, it } from "vitest";
import { DispatchError } from "../../../lib/contract/errors.ts";
import { dialogueAnswer, parallelAnswer } from "../../../lib/contract/orchestration/answers.ts";
import { hasEnded, isSettled, type Json, type Task } from "../../../lib/contract/task.ts";
import { mortalPorts } from "../../fixtures/mortal-ports.ts";
import { Chance } from "../../storms/random.ts";
import { type Ending, nothingLeft, type Plane, plane } from "./plane.ts";
import { items } from "./system.ts";

/**
 * Some tasks that are made of others, some of them below jobs, whose steps several processes take at once in a random order;
 * these die after random writes, clients cancel at random, time passes and recovery comes. Whatever happened: nothing is
 * left, no job began twice, no more ran than might, and what each says of its children is so.
 */
export function stormOf(seed: number, steps: number): void {
  it(`seed ${seed}`, async () => {
    const chances = new Chance(seed);
    const chance = () => chances.next();
    const pick = <T>(all: readonly T[]): T => chances.pick(all) as T;
    const upTo = (most: number) => chances.between(1, most);
    const maxRunning = upTo(4);
    const own = plane({ owner: `owner-${seed}`, maxRunning });
    const ending: Ending = (position) => ((seed + position) % 7 === 0 ? "failed" : "succeeded");
    const loose = new Set<string>();

    let by = mortalPorts(own.ports, {});
    const reborn = () => {
      if (by.died.yet || chance() < 0.1) by = mortalPorts(own.ports, chance() < 0.6 ? { dies: upTo(25) } : {});
    };
    /** A process that is dead, or a call that is refused, is nothing to wonder at. */
    const tried = async (work: Promise<unknown>) =>
      work.catch((error: unknown) => {
        if (!(error instanceof DispatchError) && !String(error).includes("this process is dead")) throw error;
      });

    let jobs = 0;
    const begin = async () => {
      const job = chance() < 0.4 ? { command: `true ${jobs++}` } : undefined;
      const input = job ?? wanted();
      const type = job ? "command.run" : "topic" in input ? "dialogue.run" : "parallel.run";
      const above = (await own.all()).filter(
        ({ status, taskType }) => status === "running" && taskType === "command.run",
      );
      const parentTaskId = chance() < 0.5 && above.length > 0 ? { metadata: { parentTaskId: pick(above).id } } : {};
      await own.service(by).dispatch(own.call(type, input, parentTaskId));
    };
    const wanted = (): Json =>
      chance() < 0.3
        ? { requester: "local", responder: "local", topic: "why", max_rounds: upTo(3) }
        : {
            items: items(upTo(9)),
            max_parallel: upTo(4),
            ...(chance() < 0.3 && { fail_fast: true }),
            ...(chance() < 0.3 && { aggregate: "local" }),
          };
    const act = async () => {
      const open = (await own.all()).filter((task) => !isSettled(task));
      const what = chance();
      if (open.length === 0 || what < 0.06) return begin();
      if (what < 0.1) return own.recover(by);
      if (what < 0.14) {
        const task = pick(open);
        const cascade = chance() < 0.8;
        if (!cascade && task.orchestration) loose.add(task.id);
        return own.service(by).cancel({ task_id: task.id, cascade });
      }
      return own.work(pick(open), by, ending);
    };
    for (let step = 0; step < steps; step++) {
      reborn();
      await Promise.all(Array.from({ length: upTo(3) }, () => tried(act())));
      expect((await own.ports.store.listSlots(own.owner)).running.length).toBeLessThanOrEqual(maxRunning);
    }
    await own.drain(ending);
    // A slot that somebody took and died is given back once others wait for it.
    for (let task = 0; task < maxRunning; task++)
      await own.service().dispatch(own.call("command.run", { command: "true" }));
    await own.drain(ending);
    expect(await own.left()).toEqual(nothingLeft);
    expect(own.twice()).toEqual([]);
    const all = await own.all();
    for (const task of all) if (task.orchestration && !loose.has(task.id)) await assertTruthful(own, task, all);
  });
}

/** What a task says of those that it is made of is what these say themselves. */
export async function assertTruthful(own: Pick<Plane, "children">, task: Task, all: readonly Task[]): Promise<void> {
  const { orchestration, status, error, result, id } = task;
  if (!orchestration) return;
  const children = all.filter(({ parent, position }) => parent === id && position !== undefined);
  expect(children.every(hasEnded)).toBe(true);
  expect(orchestration.active).toEqual([]);
  const { begun, succeeded, failed, cancelled } = orchestration;
  expect(succeeded + failed + cancelled).toBe(begun);
  expect(children.filter((child) => child.status === "succeeded")).toHaveLength(succeeded);
  expect(children.filter((child) => child.status === "failed")).toHaveLength(failed);
  // One that was never made, because the whole was called off before, counts as cancelled.
  expect(children.filter((child) => child.status === "cancelled").length).toBeLessThanOrEqual(cancelled);
  expect(status === "failed").toBe(error !== undefined);
  if (task.taskType === "dialogue.run") {
    const { conversation, resolved } = dialogueAnswer.parse(result);
    expect(resolved).toBe(false);
    expect(conversation).toHaveLength(begun);
    if (status === "succeeded") expect(failed + cancelled).toBe(0);
    return;
  }
  const { individual_results } = parallelAnswer.parse(result);
  const said = await own.children(id, individual_results.length);
  expect(individual_results.map((one) => one.status)).toEqual(said.map((child) => child?.status ?? "not_begun"));
  if (status === "succeeded") expect(begun).toBeGreaterThanOrEqual(individual_results.length);
}
