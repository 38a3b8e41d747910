/** What a long queue on a full profile costs those who look whether something may begin. */
import { describe, expect, it } from "vitest";
import { admit } from "../../lib/engine/admission/admission.ts";
import type { Ports } from "../../lib/engine/ports.ts";
import { recoverDue } from "../../lib/engine/recovery.ts";
import { makeTask } from "../contract/make-task.ts";
import { countedStore } from "../fixtures/counted-store.ts";
import { openPorts } from "../mcp/ports.ts";

const OWNER = "local";
const full = { maxRunning: 4, maxRunningPerProfile: 2 };

/** The profile `research` is full, and so many wait for it; with one that waits for another profile behind them. */
async function queued(count: number): Promise<{ ports: Ports; calls: Record<string, number>; last: string }> {
  let aheadMs = 0;
  const { store, ...ports } = openPorts({ now: () => Date.now() + aheadMs });
  const profile = "research";
  for (let i = 0; i < 2; i++) {
    const { id } = makeTask({ profile, status: "running", obligations: { slot: profile } });
    await store.takeSlot({ owner: OWNER, profile, taskId: id, queuedAtMs: 0 }, full);
    await store.create(makeTask({ id, profile, status: "running", obligations: { slot: profile }, dueAtMs: 1e15 }));
  }
  const add = async (task = makeTask({ profile })) => {
    await store.create(task);
    const { id, createdAt } = task;
    await store.enqueue({ owner: OWNER, profile: task.profile, taskId: id, queuedAtMs: Date.parse(createdAt) });
    return id;
  };
  for (let i = 0; i < count; i++) await add();
  const last = await add(makeTask({ createdAt: new Date(Date.now() + 1000).toISOString() }));
  const { store: counted, calls } = countedStore(store);
  aheadMs = 120_000;
  return { ports: { ...ports, store: counted }, calls, last };
}

describe("a long queue on a full profile", () => {
  it("costs admission no more than a short one, and lets others pass", async () => {
    const costs: Record<string, number>[] = [];
    for (const count of [20, 400]) {
      const { ports, calls, last } = await queued(count);
      await admit(ports, OWNER);
      costs.push({ ...calls });
      expect(await ports.store.get(last)).toMatchObject({ status: "provisioning" });
    }
    expect(costs[1]).toEqual(costs[0]);
  });

  it("is gone through once by the janitor, who lets others have their turn meanwhile", async () => {
    const costs: unknown[] = [];
    for (const count of [20, 400]) {
      const { ports, calls } = await queued(count);
      let turns = 0;
      const turn = () => {
        turns += 1;
        next = setImmediate(turn);
      };
      let next = setImmediate(turn);
      await recoverDue(ports);
      clearImmediate(next);
      if (count === 400) expect(turns).toBeGreaterThan(0);
      costs.push([calls.listQueue, calls.takeSlot, calls.listSlots]);
    }
    expect(costs[1]).toEqual(costs[0]);
  });

  it("is looked at less and less, as long as its tasks have waited", async () => {
    const { ports, calls } = await queued(20);
    await recoverDue(ports);
    expect(calls.change).toBeGreaterThan(20);
    const { now } = ports;
    calls.change = 0;
    await recoverDue({ ...ports, now: () => now() + 100_000 });
    // The one that began is looked after all the same.
    expect(calls.change).toBeLessThan(5);
    await recoverDue({ ...ports, now: () => now() + 150_000 });
    expect(calls.change).toBeGreaterThan(20);
  });
});
