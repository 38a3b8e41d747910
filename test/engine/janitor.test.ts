/** What the janitor finds in the store: slots and queue items of tasks that are over, not there, or never got in; and its pace. */
import { describe, expect, it } from "vitest";
import { newTaskId } from "../../lib/contract/task-id.ts";
import { queueEntry } from "../../lib/engine/cancellation.ts";
import { Sweeper } from "../../lib/engine/janitor/janitor.ts";
import { paceOf } from "../../lib/engine/janitor/pace.ts";
import { recoverDead, recoverDue } from "../../lib/engine/recovery.ts";
import { makeTask } from "../contract/make-task.ts";
import { openPorts } from "../mcp/ports.ts";

const OWNER = "ann";
const MINUTE_MS = 60_000;

function system() {
  let aheadMs = 0;
  const now = () => Date.now() + aheadMs;
  const ports = openPorts({ now });
  const make = async (fields: Parameters<typeof makeTask>[0] = {}) => {
    const createdAt = new Date(now()).toISOString();
    const task = makeTask({ owner: OWNER, profile: "research", createdAt, dueAtMs: now() - 1, ...fields });
    await ports.store.create(task);
    return task;
  };
  const limits = { maxRunning: 2, maxRunningPerProfile: 2 };
  return {
    ports,
    make,
    now,
    advance: (ms: number) => {
      aheadMs += ms;
    },
    holdSlot: (taskId: string) =>
      ports.store.takeSlot({ owner: OWNER, taskId, profile: "research", queuedAtMs: 1 }, limits),
    found: () =>
      ports.logged.flatMap((line) => {
        const [, fields] = /was left behind[^{]*({.*})$/.exec(line) ?? [];
        return fields === undefined ? [] : [JSON.parse(fields) as { thing: string; taskId: string; owner: string }];
      }),
  };
}

describe("the slots of an owner", () => {
  it("are given back by tasks that are over or not there, once somebody waits", async () => {
    const { ports, make, holdSlot, found } = system();
    const over = await make({ status: "succeeded" });
    const lost = newTaskId();
    for (const id of [over.id, lost]) expect(await holdSlot(id)).toBe("taken");
    const waiting = await make();
    await ports.store.enqueue(queueEntry(waiting));
    await recoverDue(ports);
    const slots = found().map(({ thing, taskId }) => `${thing} ${taskId}`);
    expect(slots.sort()).toEqual([`slot ${over.id}`, `slot ${lost}`].sort());
    expect(await ports.store.get(waiting.id)).toMatchObject({ status: "provisioning" });
    expect(await ports.store.listSlots(OWNER)).toMatchObject({ running: [waiting.id] });
  });

  it("are given back when another of that owner's tasks had to be recovered, and kept by those that run", async () => {
    const { ports, make, holdSlot, found } = system();
    const running = await make({ status: "running", obligations: { slot: "research" } });
    const lost = newTaskId();
    for (const id of [running.id, lost]) expect(await holdSlot(id)).toBe("taken");
    await recoverDue(ports);
    expect(found()).toMatchObject([{ thing: "slot", taskId: lost, owner: OWNER }]);
    expect(await ports.store.listSlots(OWNER)).toMatchObject({ running: [running.id] });
  });

  it("are used by the tasks that took them and came no further, although others wait before them in the queue", async () => {
    const { ports, make, holdSlot } = system();
    const before = await make();
    const took = [await make(), await make()].map(({ id }) => id);
    for (const id of took) expect(await holdSlot(id)).toBe("taken");
    await recoverDue(ports);
    for (const id of took) expect(await ports.store.get(id)).toMatchObject({ status: "provisioning" });
    expect(await ports.store.get(before.id)).toMatchObject({ status: "queued" });
    expect((await ports.store.listQueue(OWNER, 10)).map(({ taskId }) => taskId)).toEqual([before.id]);
  });
});

describe("all owners", () => {
  it("are looked through once an hour, also where nobody waits", async () => {
    const { ports, make, holdSlot, found, advance } = system();
    Object.assign(ports, { backends: {} });
    const sweeper = new Sweeper(ports);
    await sweeper.sweep();
    const lost = newTaskId();
    expect(await holdSlot(lost)).toBe("taken");
    await ports.store.enqueue({ ...queueEntry(await make({ status: "cancelled" })), taskId: lost });
    advance(50 * MINUTE_MS);
    await sweeper.sweep();
    expect(found()).toEqual([]);
    advance(10 * MINUTE_MS);
    await sweeper.sweep();
    expect(found().map(({ thing, taskId }) => [thing, taskId])).toEqual([
      ["slot", lost],
      ["stray_queue_item", lost],
    ]);
    expect(await ports.store.listSlots(OWNER)).toMatchObject({ running: [] });
  });
});

describe("the queue of an owner", () => {
  it("gets back a task that never came into it, and says so once", async () => {
    const { ports, make, holdSlot, found, advance } = system();
    for (const id of [1, 2]) {
      const running = await make({
        status: "running",
        obligations: { slot: "research" },
        dueAtMs: Number.MAX_SAFE_INTEGER,
      });
      expect([id, await holdSlot(running.id)]).toEqual([id, "taken"]);
    }
    const task = await make();
    await recoverDue(ports);
    expect(found()).toMatchObject([{ thing: "missing_queue_item", taskId: task.id, owner: OWNER }]);
    expect(await ports.store.listQueue(OWNER, 10)).toEqual([queueEntry(task)]);
    advance(10 * MINUTE_MS);
    await recoverDue(ports);
    expect(found()).toHaveLength(1);
  });

  it("is rid of entries whose tasks are over or not there, while no slot is free, too", async () => {
    const { ports, make, holdSlot, found, advance } = system();
    for (let slot = 0; slot < 2; slot++) {
      const running = await make({
        status: "running",
        obligations: { slot: "research" },
        dueAtMs: Number.MAX_SAFE_INTEGER,
      });
      await holdSlot(running.id);
    }
    const over = await make({ status: "cancelled" });
    const lost = { ...queueEntry(over), taskId: newTaskId() };
    const waiting = await make({ dueAtMs: Number.MAX_SAFE_INTEGER });
    for (const entry of [queueEntry(over), lost, queueEntry(waiting)]) await ports.store.enqueue(entry);
    advance(2 * MINUTE_MS);
    // Somebody has to wait for the queue to be looked through.
    await ports.store.change(waiting.id, (task) => ({ ...task, dueAtMs: 1 }));
    await recoverDue(ports);
    expect(
      found()
        .map(({ thing, taskId }) => `${thing} ${taskId}`)
        .sort(),
    ).toEqual([`stray_queue_item ${over.id}`, `stray_queue_item ${lost.taskId}`].sort());
    expect(await ports.store.listQueue(OWNER, 10)).toEqual([queueEntry(waiting)]);
  });
});

describe("a task whose execution has died", () => {
  it("is recovered at once, and once where it has come no further: then when it is due", async () => {
    const { ports, make } = system();
    const { id } = await make({ status: "running", dueAtMs: Number.MAX_SAFE_INTEGER });
    await ports.workflow.start(id, 1, undefined);
    expect(await recoverDead(ports, id, 1)).toBe(true);
    expect(ports.starts).toEqual([`${id}-1`, `${id}-2`]);
    // EventBridge tells of it again.
    expect(await recoverDead(ports, id, 1)).toBe(false);
    expect(await recoverDead(ports, id, 2)).toBe(false);
    expect(ports.starts).toEqual([`${id}-1`, `${id}-2`]);
    expect(await recoverDead(ports, newTaskId(), 1)).toBe(false);
    const over = await make({ status: "succeeded" });
    expect(await recoverDead(ports, over.id, 1)).toBe(false);
  });
});

describe("a pace", () => {
  it("lets a second's requests through at once, the others as time passes, and none when there is no time left", async () => {
    let atMs = 0;
    let isLate = false;
    const pace = paceOf({
      perSecond: 4,
      mayGoOn: () => !isLate,
      steady: () => atMs,
      wait: async (ms) => {
        atMs += ms;
      },
    });
    const sent: number[] = [];
    for (let n = 0; n < 8; n++) {
      expect(await pace()).toBe(true);
      sent.push(atMs);
    }
    expect(sent).toEqual([0, 0, 0, 0, 250, 500, 750, 1000]);
    atMs += 60_000;
    expect([await pace(), atMs]).toEqual([true, 61_000]);
    isLate = true;
    expect(await pace()).toBe(false);
  });
});
