/** Stopping everything: what is said of it where there is more than there is time for, and where the index of open tasks lags. */
import { describe, expect, it } from "vitest";
import type { BackendAdapter } from "../../lib/backends/adapter.ts";
import type { FoundRuntime, Inventory } from "../../lib/backends/inventory.ts";
import { NOT_ENDED } from "../../lib/client/cli/exit-code.ts";
import { exitCodeOfStop, untilStopped } from "../../lib/client/cli/stopping/until-stopped.ts";
import { RetryableError } from "../../lib/contract/errors.ts";
import { queueEntry } from "../../lib/engine/cancellation.ts";
import { stopOwn } from "../../lib/engine/service/stopping.ts";
import { sessionsOf } from "../../lib/engine/stopping/sessions.ts";
import { onStackEvent } from "../../lib/engine/stopping/stack-events.ts";
import { stopAll } from "../../lib/engine/stopping/stop-all.ts";
import { makeTask, type TaskFields } from "../contract/make-task.ts";
import { idleAdapter, openPorts } from "../mcp/ports.ts";

function system() {
  const adapter = idleAdapter();
  const ports = openPorts({ backends: { [adapter.name]: adapter } });
  return {
    ports,
    async wait(count: number): Promise<void> {
      for (let n = 0; n < count; n++) {
        const task = makeTask({ profile: "local" });
        await ports.store.create(task);
        await ports.store.enqueue(queueEntry(task));
      }
    },
    async run(fields: TaskFields = {}) {
      const task = makeTask({
        status: "provisioning",
        session: { id: "a-session", state: "open", inFlight: {}, sent: 1 },
        obligations: { slot: "local", session: "a-session" },
        ...fields,
      });
      await ports.store.create(task);
      await ports.store.takeSlot(queueEntry(task), task.limits);
      return task.id;
    },
  };
}

describe("a stop of all tasks", () => {
  it("says how many wait that it had no time to cancel, stops what runs, and is not over for whoever asks for it", async () => {
    const { ports, wait, run } = system();
    await wait(3);
    const id = await run();
    const report = await stopOwn(ports, "local", { confirm: true, wait_seconds: 0 });
    expect(report).toMatchObject({ cancelled: 1, queued: 3, verified: [{ taskId: id, what: "session" }] });
    expect(report.hint).toMatch(/^3 tasks still wait, .*set_admission/);
    expect(exitCodeOfStop(report)).toBe(NOT_ENDED);
  });

  it("is asked for again by the commands until nothing waits any more", async () => {
    const { ports, wait } = system();
    await wait(3);
    const waits = [0, 10_000];
    const whole = await untilStopped(() => stopAll(ports, { owner: "local" }, { waitMs: waits.shift() ?? 0 }), 60);
    expect(whole).toMatchObject({ cancelled: 3 });
    expect([whole.queued, exitCodeOfStop(whole), waits]).toEqual([undefined, 0, []]);
  });
});

describe("what an owner sees and stops", () => {
  it("holds a session that could not be ended for long, behind a hundred newer tasks, and nobody else's", async () => {
    const { ports, run } = system();
    const gone = {
      status: "succeeded",
      obligations: { session: "a-session" },
      dueAtMs: Date.now() + 3_600_000,
    } as const;
    const stuck = makeTask({ ...gone, session: { id: "a-session", state: "open", inFlight: {}, sent: 1 } });
    await ports.store.create(stuck);
    for (let n = 0; n < 101; n++) await ports.store.create(makeTask({ status: "succeeded" }));
    await run({ owner: "somebody else" });
    expect((await sessionsOf(ports, { owner: "local" })).items).toMatchObject([{ taskId: stuck.id, bills: true }]);
    const report = await stopAll(ports, { owner: "local" }, { waitMs: 10_000 });
    expect(report).toMatchObject({ cancelled: 0, verified: [{ taskId: stuck.id, what: "session" }] });
  });
});

describe("what an operator sees and stops", () => {
  it("holds what has a slot, although the index of open tasks does not tell of it yet", async () => {
    const { ports, run } = system();
    const id = await run();
    // As an index of DynamoDB, which is never read consistently, or one with more tasks that wait than are looked at.
    const store = new Proxy(ports.store, {
      get: (real, name) => (name === "listDue" ? async () => [] : Reflect.get(real, name, real)),
    });
    const behind = { ...ports, store };
    expect((await sessionsOf(behind, "everybody")).items).toMatchObject([{ taskId: id, bills: true }]);
    const report = await stopAll(behind, "everybody", { waitMs: 10_000 });
    expect(report).toMatchObject({ cancelled: 1, verified: [{ taskId: id, what: "session" }] });
  });
});

describe("the sweep of a system that is taken away", () => {
  const STACK = "arn:aws:cloudformation:us-west-2:123456789012:stack/mine/0a1b2c3d-4e5f";
  const deleted = { type: "Delete", stackId: STACK } as const;
  const options = { prefix: "ad_0a1b2c3d_", withinMs: 300_000, isStackEnding: async () => true };
  const runtime: FoundRuntime = {
    ...{ accountProfile: "local", region: "us-west-2", status: "READY", taskId: "task_1" },
    ...{ name: "ad_0a1b2c3d_1", arn: "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/ad_0a1b2c3d_1-x" },
  };

  /** One runtime, until it is removed; what is done is noted in `done`. */
  function platform(overrides: Partial<BackendAdapter> = {}) {
    const done: string[] = [];
    const there = [runtime];
    const inventory: Inventory = {
      places: () => [],
      list: async () => ({ runtimes: [...there], unseen: [] }),
      ownerOf: async () => undefined,
      remove: async ({ name }) => {
        done.push(`removed ${name}`);
        there.length = 0;
        return "gone";
      },
      async *tidyLogs() {},
    };
    return { done, adapter: idleAdapter({ inventory, ...overrides }) };
  }

  it("leaves a runtime until the session in it is stopped, which may go on without it", async () => {
    let refusals = 8;
    const { done, adapter } = platform({
      stop: async () => {
        if (refusals-- > 0) throw new RetryableError("platform.unavailable", "not now");
        done.push("stopped");
      },
    });
    let nowMs = 0;
    // A round is over after a few looks, however little time that takes.
    const ports = openPorts({ backends: { [adapter.name]: adapter }, steady: () => (nowMs += 2000) });
    const task = makeTask({
      status: "provisioning",
      session: { id: "a-session", state: "open", inFlight: {}, sent: 1 },
      obligations: { slot: "local", session: "a-session" },
      providerRefs: { runtimeArn: runtime.arn },
    });
    await ports.store.create(task);
    await ports.store.takeSlot(queueEntry(task), task.limits);
    expect(await onStackEvent(ports, deleted, options)).toMatchObject({ status: "SUCCESS" });
    expect(done.indexOf("stopped")).toBeGreaterThanOrEqual(0);
    expect(done.indexOf(`removed ${runtime.name}`)).toBeGreaterThan(done.indexOf("stopped"));
  });

  it("deletes the runtimes where the table itself is gone, and lets the deletion go on", async () => {
    const { done, adapter } = platform();
    const ports = openPorts({ backends: { [adapter.name]: adapter } });
    const store = new Proxy(ports.store, {
      get: () => () =>
        Promise.reject(new RetryableError("platform.store_unavailable", "no table", { details: { missing: "tasks" } })),
    });
    expect(await onStackEvent({ ...ports, store }, deleted, options)).toEqual({
      status: "SUCCESS",
      reason: expect.stringContaining("the store that knew of them is gone"),
    });
    expect(done).toEqual([`removed ${runtime.name}`]);
  });

  it("does not run while nobody can say whether the whole stack goes, and the deletion fails with the reason", async () => {
    const { done, adapter } = platform();
    const ports = openPorts({ backends: { [adapter.name]: adapter } });
    const isStackEnding = () => Promise.reject(new Error("Rate exceeded"));
    expect(await onStackEvent(ports, deleted, { ...options, isStackEnding })).toEqual({
      status: "FAILED",
      reason: expect.stringContaining("Rate exceeded"),
    });
    expect([done, await ports.store.listPauses()]).toEqual([[], []]);
  });
});
