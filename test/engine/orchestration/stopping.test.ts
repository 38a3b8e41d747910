/**
 * What stops a task that is made of others reaches all of these, whatever came between. A stop of all tasks takes such tasks
 * first: each of theirs that ended would let another begin.
 */
import { expect, it } from "vitest";
import { RetryableError } from "../../../lib/contract/errors.ts";
import { parallelAnswer } from "../../../lib/contract/orchestration/answers.ts";
import { randomHex } from "../../../lib/contract/task-id.ts";
import { FIRST_WORKER_SEQUENCE } from "../../../lib/contract/worker.ts";
import type { Ports } from "../../../lib/engine/ports.ts";
import { recoverAll } from "../../../lib/engine/recovery.ts";
import { TaskService } from "../../../lib/engine/service.ts";
import { stopAll } from "../../../lib/engine/stopping/stop-all.ts";
import type { TaskStore } from "../../../lib/store/port.ts";
import { nothingLeft, type Plane, plane } from "./plane.ts";
import { items, nothing, OWNER, systemsOn } from "./system.ts";

const open = systemsOn("SQLite");
/** More than an owner's newest tasks that are looked at. */
const MANY = 120;

it("stops what runs of them, and the whole with it, and counts every task that it cancelled", async () => {
  await using system = await open({ limits: { maxRunning: 2 }, durationMs: () => 3_600_000 });
  system.clock.join();
  const id = await system.parallel({ items: items(50), max_parallel: 4 });
  const report = await stopAll(system.ports, { owner: OWNER }, { waitMs: 60_000, patienceMs: 0 });
  system.clock.leave();
  // The whole, the two that ran, and the two that waited.
  expect(report).toMatchObject({ confirmed: true, cancelled: 5, underway: [], unverified: [] });
  expect(report.verified).toHaveLength(2);
  expect(await system.settled(id)).toMatchObject({ status: "cancelled", orchestration: { begun: 4, cancelled: 4 } });
  expect(await system.child(id, 4)).toBeUndefined();
  await expect.poll(() => system.left()).toEqual(nothing);
});

it("finds the whole by those of it that wait, where it is not among the newest tasks", async () => {
  await using system = await open({ limits: { maxRunning: 1 }, durationMs: () => 3_600_000 });
  system.clock.join();
  await system.dispatch();
  const id = await system.parallel({ items: items(50), max_parallel: 3 });
  for (let n = 0; n < MANY; n++) await system.dispatch();
  const report = await stopAll(system.ports, { owner: OWNER }, { waitMs: 60_000, patienceMs: 0 });
  system.clock.leave();
  expect(report.cancelled).toBe(1 + 1 + 3 + MANY);
  expect(await system.settled(id)).toMatchObject({ status: "cancelled", orchestration: { begun: 3 } });
  await expect.poll(() => system.left()).toEqual(nothing);
});

/** The ports of a process that comes to nothing below a task: its first request is throttled, or its time is over. */
const cutOff: Record<string, (ports: Ports, whole: string) => Ports> = {
  "a throttled request": ({ store, ...ports }, whole) => {
    const listChildren: TaskStore["listChildren"] = async (id, ...rest) => {
      if (id === whole) throw new RetryableError("platform.store_throttled", "slow down");
      return store.listChildren(id, ...rest);
    };
    const get = (target: TaskStore, name: string | symbol) =>
      name === "listChildren" ? listChildren : Reflect.get(target, name).bind(target);
    return { ...ports, store: new Proxy(store, { get }) };
  },
  "the end of its time": (ports) => {
    let steadyMs = 0;
    return { ...ports, steady: () => (steadyMs += 60_000) };
  },
};

const stops: Record<string, (own: Plane, by: Ports, id: string) => Promise<unknown>> = {
  cancel: (own, by, id) => own.service(by).cancel({ task_id: id }),
  fail_fast: async (own, by, id) => {
    const first = (await own.read(id)).orchestration?.active[0] ?? -1;
    const child = (await own.children(id, 4))[first];
    if (!child) throw new Error("it has not begun");
    await own.work(child, own.ports, () => "failed");
    await own.work(await own.read(child.id), by, () => "failed").catch(() => {});
  },
  timeout: async (own, by, id) => {
    own.advance(2 * 3_600_000);
    await recoverAll(by, [id]);
  },
};

for (const [cut, by] of Object.entries(cutOff))
  for (const [how, stop] of Object.entries(stops))
    it(`takes a ${how} up again after ${cut}, while none of those below has ended`, async () => {
      const own = plane({ owner: `owner-${randomHex(6)}` });
      const input = { items: items(4), max_parallel: 4, fail_fast: true };
      const { taskId } = await own.service().dispatch(own.call("parallel.run", input, { timeout_seconds: 3600 }));
      const children = async () => (await own.children(taskId, 4)).filter((child) => child !== undefined);
      for (const child of await children()) await own.work(child, own.ports, () => "succeeded");
      expect((await children()).map(({ status }) => status)).toEqual(Array(4).fill("running"));
      await stop(own, by(own.ports, taskId), taskId);
      expect(await own.read(taskId)).toMatchObject({ calledOff: true, obligations: { children: "cancel" } });
      const running = async () => (await children()).filter(({ status }) => status === "running").length;
      expect(await running()).toBeGreaterThan(0);
      await recoverAll(own.ports, [taskId]);
      expect(await running()).toBe(0);
      expect(await own.read(taskId)).toMatchObject({ calledOff: true, obligations: {} });
      await own.drain();
      expect(await own.left()).toEqual(nothingLeft);
    });

it("tells each event although nobody could for a while, without a hole", async () => {
  const owner = `owner-${randomHex(6)}`;
  const own = plane({ owner });
  let isDeaf = true;
  const appendEvents: TaskStore["appendEvents"] = async (events) => {
    if (isDeaf && events.some(({ type }) => type === "task.progress"))
      throw new RetryableError("platform.store_unavailable", "on demand");
    return own.ports.store.appendEvents(events);
  };
  const store = new Proxy(own.ports.store, {
    get: (target, name) => (name === "appendEvents" ? appendEvents : Reflect.get(target, name).bind(target)),
  });
  const deaf = { ...own.ports, store };
  const input = { items: items(3), max_parallel: 3 };
  const { taskId } = await new TaskService(deaf, owner).dispatch(own.call("parallel.run", input));
  isDeaf = false;
  await recoverAll(own.ports, [taskId]);
  for (const child of await own.children(taskId, 3)) {
    isDeaf = true;
    for (let step = 0; child && step < 4; step++)
      await own.work(await own.read(child.id), deaf, () => "succeeded").catch(() => {});
    isDeaf = false;
  }
  await recoverAll(own.ports, [taskId]);
  await own.drain();
  const events = await own.ports.store.listEvents(taskId, 0, 100);
  const told = events.filter(({ type }) => type === "task.progress").map(({ sequence }) => sequence);
  expect(told).toEqual(told.map((_, index) => FIRST_WORKER_SEQUENCE + index));
  expect(await own.read(taskId)).toMatchObject({ status: "succeeded", workerSequence: told.at(-1) });
});

it("makes no more of one that is cancelled alone, and its answer knows of those that go on", async () => {
  const own = plane({ owner: `owner-${randomHex(6)}`, maxRunning: 50 });
  const { store } = own.ports;
  let [whole, made] = ["", 0];
  const create: TaskStore["create"] = async (task) => {
    const isNew = await store.create(task);
    if (task.orchestration) whole = task.id;
    if (++made === 3) await own.service().cancel({ task_id: whole, cascade: false });
    return isNew;
  };
  const get = (target: TaskStore, name: string | symbol) =>
    name === "create" ? create : Reflect.get(target, name).bind(target);
  const by = { ...own.ports, store: new Proxy(store, { get }) };
  await own.service(by).dispatch(own.call("parallel.run", { items: items(40), max_parallel: 40 }));
  const answer = parallelAnswer.parse((await own.read(whole)).result);
  const children = await own.children(whole, 40);
  // Those that were being made at that moment, on eight lanes, are cancelled or go on; the others are never made.
  expect(children.filter((child) => child !== undefined).length).toBeLessThan(20);
  const goingOn = children.flatMap((child, at) => (child && child.status !== "cancelled" ? [at] : []));
  for (const at of goingOn) expect(answer.individual_results[at]?.status).not.toBe("not_begun");
  await own.drain();
  expect(await own.left()).toEqual(nothingLeft);
});

it("lets the agent of a task that is cancelled alone dispatch nothing more, and others in its name", async () => {
  const own = plane({ owner: `owner-${randomHex(6)}` });
  const call = (command: string, more = {}) => own.call("command.run", { command }, more);
  const { taskId } = await own.service().dispatch(call("true"));
  const agent = own.service({ ...own.ports, within: taskId });
  await own.work(await own.read(taskId), own.ports, () => "succeeded");
  expect(await agent.dispatch(call("true 1"))).toMatchObject({ status: "provisioning" });
  await own.service().cancel({ task_id: taskId, cascade: false });
  await expect(agent.dispatch(call("true 2"))).rejects.toMatchObject({ code: "task.terminal" });
  await own.service().dispatch(call("true 3", { metadata: { parentTaskId: taskId } }));
  await own.drain();
  expect(await own.left()).toEqual(nothingLeft);
});
