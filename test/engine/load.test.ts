import { describe, expect, it } from "vitest";
import { isSettled, type Task } from "../../lib/contract/task.ts";
import { cancelTask } from "../../lib/engine/cancellation.ts";
import { recoverDue } from "../../lib/engine/recovery.ts";
import { virtualSystem } from "../fixtures/virtual-system.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe("500 tasks at once under a limit of 8", () => {
  it("all succeed, first in first out for each of three owners, served alike", async () => {
    let mostSlots = 0;
    let mostSessions = 0;
    await using system = virtualSystem({
      limits: { maxRunning: 8 },
      durationMs: () => MINUTE_MS,
      wrap: (_state, step) => async (ports, input) => {
        const owner = (await ports.store.get(input.id))?.owner ?? "";
        mostSlots = Math.max(mostSlots, (await ports.store.listSlots(owner)).running.length);
        mostSessions = Math.max(mostSessions, system.backend.sessions.size);
        return step(ports, input);
      },
    });
    const owners = ["ann", "bob", "cleo"];
    const of = new Map<string, string[]>(owners.map((owner) => [owner, []]));
    for (let i = 0; i < 500; i++) {
      const owner = owners[i % 3] ?? "";
      of.get(owner)?.push(await system.dispatch(owner));
    }
    const tasks = await Promise.all([...of.values()].flat().map((id) => system.settled(id)));
    expect(new Set(tasks.map(({ status }) => status))).toEqual(new Set(["succeeded"]));
    expect(system.backend.started).toHaveLength(500);
    expect(mostSlots).toBe(8);
    expect(mostSessions).toBe(24);
    for (const [owner, ids] of of) {
      const wanted = new Map(ids.map((id, index) => [id, index]));
      const started = system.backend.started.flatMap((id) => wanted.get(id) ?? []);
      // Eight begin together, and their order among themselves is nobody's promise.
      for (const [place, index] of started.entries()) expect(Math.abs(index - place), owner).toBeLessThanOrEqual(8);
    }
    // No owner has got further than another by more than what runs at one time.
    const counts = new Map(owners.map((owner) => [owner, 0]));
    const ownerOf = new Map(tasks.map(({ id, owner }) => [id, owner]));
    for (const id of system.backend.started.slice(0, 480)) {
      const owner = ownerOf.get(id) ?? "";
      counts.set(owner, (counts.get(owner) ?? 0) + 1);
      expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(16);
    }
  });
});

describe("24 hours of mixed tasks", () => {
  it("leave nothing open, no debt, no session, no timer, and the heap where it was", async () => {
    const chance = lcg(42);
    const durations = [0, 5_000, 3 * MINUTE_MS, 40 * MINUTE_MS, 4 * HOUR_MS];
    await using system = virtualSystem({
      limits: { maxRunning: 20, timeoutSeconds: 27_000 },
      cloudLike: true,
      durationMs: (task) => task.input.durationMs as number,
      wrap: (state, step) => (ports, input) => {
        if (state === "Start" && chance() < 0.02) throw new Error("a step of ours failed");
        return step(ports, input);
      },
    });
    const { clock, ports } = system;
    const ids: string[] = [];
    const endsAt = clock.now() + 24 * HOUR_MS;
    let heapAfterFirstHour = 0;
    clock.join();
    for (let hour = 0; clock.now() < endsAt; hour++) {
      for (let i = 0; i < 10; i++) {
        const durationMs = durations[Math.floor(chance() * durations.length)] ?? 0;
        const id = await system.dispatch(`owner-${i % 3}`, { command: "true", durationMs });
        ids.push(id);
        await clock.sleep(4 * MINUTE_MS);
        const victim = ids[Math.floor(chance() * ids.length)] ?? id;
        if (chance() < 0.1) await cancelTask(ports, { id: victim }).catch(() => {});
        const sessions = [...system.backend.sessions.keys()];
        if (chance() < 0.05 && sessions[0]) system.backend.lose(sessions[0], chance() < 0.5);
      }
      await clock.sleep(20 * MINUTE_MS);
      await recoverDue(ports);
      if (hour === 0) heapAfterFirstHour = heapUsed();
    }
    clock.leave();
    const tasks = await Promise.all(ids.map((id) => system.settled(id)));

    expect(tasks.length).toBeGreaterThan(200);
    const ends = Object.groupBy(tasks, endOf);
    expect(Object.keys(ends).sort()).toEqual(["cancelled", "failed worker.replaced", "succeeded"]);
    expect(tasks.every((task) => isSettled(task) && task.dueAtMs === undefined && task.lease === undefined)).toBe(true);
    expect(system.backend.sessions.size).toBe(0);
    expect(new Set(system.backend.started).size).toBe(system.backend.started.length);
    expect(await ports.store.listDue(Number.MAX_SAFE_INTEGER, 10)).toEqual([]);
    for (const owner of ["owner-0", "owner-1", "owner-2"]) {
      expect(await ports.store.listSlots(owner)).toEqual({ running: [], byProfile: {} });
      expect(await ports.store.listQueue(owner, 10)).toEqual([]);
    }
    expect(clock.sleeping).toBe(0);
    expect(heapUsed() - heapAfterFirstHour).toBeLessThan(20 * 2 ** 20);
  });
});

const endOf = ({ status, error }: Task): string => (error ? `${status} ${error.code}` : status);

function heapUsed(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Numbers from 0 to 1 that are the same in every run. */
function lcg(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
