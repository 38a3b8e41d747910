/** Debts that AWS does not let us pay, or takes long to: none is left where nothing was made, and nobody waits for the others. */
import { describe, expect, it } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import { DispatchError } from "../../../lib/contract/errors.ts";
import { isSettled, type Json, type Target, type Task } from "../../../lib/contract/task.ts";
import { cancelTask } from "../../../lib/engine/cancellation.ts";
import { withSession } from "../../../lib/engine/invocation-gate.ts";
import { steps } from "../../../lib/engine/steps/index.ts";
import { makeTask } from "../../contract/make-task.ts";
import { type Failure, IMAGE, REGION, ROLE } from "../../emulators/agentcore/emulator.ts";
import { askAsLocalIdentity, startEmulator } from "../../emulators/agentcore/system.ts";
import { openPorts } from "../../mcp/ports.ts";

const HOUR_MS = 3_600_000;
const refusal = JSON.stringify({
  errorMessage: JSON.stringify({ code: "task.refused", message: "refused", retryable: false }),
});
const denied = { error: "AccessDeniedException" } as const;
askAsLocalIdentity();

/** A task that holds a slot, and its steps one by one, on a clock that can be set forward. */
async function admitted(mode: Target["mode"], { details = {}, endpoint }: { details?: Json; endpoint?: string } = {}) {
  const emulator = await startEmulator();
  let aheadMs = 0;
  const ports = openPorts({ now: () => Date.now() + aheadMs });
  const { store, configuration, log, now } = ports;
  const backend = agentCoreBackend({
    endpoint: endpoint ?? emulator.endpoint,
    configuration,
    log,
    now,
    holdSeconds: 840,
  });
  Object.assign(ports, { backends: { [backend.name]: backend } });
  const named =
    mode === "runtime"
      ? { region: REGION, ecrImageUri: IMAGE, executionRoleArn: ROLE }
      : { runtimeArn: emulator.deploy("shared") };
  const task = makeTask({
    provider: "aws",
    accountProfile: "dev-aws",
    backend: backend.name,
    target: { mode, details: { ...named, ...details } },
    status: "provisioning",
    obligations: { slot: "local" },
  });
  const { id, owner, profile } = task;
  await store.create(task);
  await store.takeSlot({ owner, profile, taskId: id, queuedAtMs: now() }, task.limits);
  const read = () => store.get(id) as Promise<Task>;
  const step = async (name: keyof typeof steps) => steps[name](ports, { id, n: (await read()).executionNumber });

  return {
    emulator,
    logged: ports.logged,
    advance: (ms: number) => {
      aheadMs += ms;
    },
    read,
    step,
    change: (edit: (task: Task, nowMs: number) => Task) => store.change(id, (task) => edit(task, now())),
    /** What a step that must fail says. */
    async failing(name: keyof typeof steps) {
      const error = await step(name).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error instanceof DispatchError) return error.code;
      throw error ?? new Error(`${name} did not fail`);
    },
    async cancel() {
      await cancelTask(ports, { id });
      await steps.Fail(ports, { id, n: 1, failure: { Error: "StepRefused" } });
      expect(await read()).toMatchObject({ status: "cancelled" });
      expect(await read()).not.toHaveProperty("error");
    },
    fail: () => steps.Fail(ports, { id, n: 1, failure: { Error: "StepRefused", Cause: refusal } }),
    holdsSlot: async () => (await store.listSlots(owner)).running.includes(id),
    expectSettled: async () => {
      expect(isSettled(await read())).toBe(true);
      expect(await store.listSlots(owner)).toEqual({ running: [], byProfile: {} });
      expect(emulator.inventory).toEqual({ runtimes: [], sessions: [] });
    },
  };
}

describe("a session that nothing has reached", () => {
  it("is not stopped", async () => {
    const { step, cancel, emulator, expectSettled } = await admitted("session");
    await step("Provision");
    await cancel();
    await step("Cleanup");
    expect(emulator.countOf("StopRuntimeSession")).toBe(0);
    await expectSettled();
  });

  it.each<[Failure, string]>([
    [denied, "platform.access_denied"],
    [{ error: "ValidationException" }, "platform.invalid_request"],
    [{ error: "ServiceQuotaExceededException" }, "platform.quota_exceeded"],
  ])("because of %j is not owed, although its task was cancelled", async (failure, code) => {
    const { step, failing, cancel, emulator, expectSettled } = await admitted("session");
    emulator.fail("InvokeAgentRuntime", failure, 2);
    emulator.fail("StopRuntimeSession", failure, 100);
    await step("Provision");
    await step("AwaitReady");
    expect(await failing("Start")).toBe(code);
    expect(await failing("Start")).toBe(code);
    await cancel();
    await step("Cleanup");
    await expectSettled();
  });

  it("is not owed where nobody listens", async () => {
    const { step, failing, cancel, expectSettled } = await admitted("session", { endpoint: "http://127.0.0.1:1" });
    expect(await failing("Provision")).toBe("platform.unreachable");
    await cancel();
    await step("Cleanup");
    await expectSettled();
  });
});

describe("a runtime", () => {
  it.each<[string, Parameters<typeof admitted>[1], string]>([
    ["in a region that does not answer", { endpoint: "http://127.0.0.1:1" }, "platform.unreachable"],
    ["without an image", { details: { ecrImageUri: " " } }, "task.target_incomplete"],
    ["in no region", { details: { region: " " } }, "task.target_incomplete"],
  ])("%s was never made, and is not looked for", async (_what, options, code) => {
    const { step, failing, cancel, read, emulator, expectSettled } = await admitted("runtime", options);
    expect(await failing("Provision")).toBe(code);
    expect(await failing("Provision")).toBe(code);
    expect(await read()).toMatchObject({ obligations: { runtime: expect.any(String) }, creations: 0 });
    await cancel();
    await step("Cleanup");
    expect(emulator.calls).toEqual([]);
    await expectSettled();
  });

  it.each<[Failure, string]>([
    [denied, "platform.access_denied"],
    [{ error: "ServiceQuotaExceededException" }, "platform.quota_exceeded"],
  ])("that AWS refuses to make with %j is not owed", async (failure, code) => {
    const { step, failing, cancel, emulator, expectSettled } = await admitted("runtime");
    emulator.fail("CreateAgentRuntime", failure, 1);
    emulator.fail("ListAgentRuntimes", denied, 100);
    expect(await failing("Provision")).toBe(code);
    await cancel();
    await step("Cleanup");
    await expectSettled();
  });

  it("is owed when an earlier request may have made it, whatever the last one says", async () => {
    const { step, failing, cancel, read, emulator, expectSettled } = await admitted("runtime");
    emulator.runtimes.getsUntilReady = 0;
    emulator.fail("CreateAgentRuntime", { lose: "answer" }, 1);
    emulator.fail("CreateAgentRuntime", denied, 2);
    expect(await failing("Provision")).toBe("platform.access_denied");
    expect(await failing("Provision")).toBe("platform.access_denied");
    expect(emulator.inventory.runtimes).toHaveLength(1);
    expect(await read()).toMatchObject({ creations: 1 });
    await cancel();
    await step("Cleanup");
    await expectSettled();
  });

  it("that cannot be deleted holds no slot, and is tried again each hour until it is gone", async () => {
    const { step, failing, fail, advance, read, holdsSlot, emulator, logged, expectSettled } =
      await admitted("runtime");
    emulator.runtimes.getsUntilReady = 0;
    await step("Provision");
    await fail();
    emulator.fail("GetAgentRuntime", denied, 3);
    emulator.fail("ListAgentRuntimes", denied, 3);
    expect(await failing("Cleanup")).toBe("platform.access_denied");
    expect(await holdsSlot()).toBe(false);
    for (let hours = 1; hours <= 2; hours++) {
      advance(HOUR_MS + 1000);
      expect(await step("Cleanup")).toMatchObject({ again: false });
      const { obligations, dueAtMs } = await read();
      expect(obligations).toEqual({ runtime: expect.any(String) });
      expect((dueAtMs ?? 0) - Date.now()).toBeGreaterThan(hours * HOUR_MS + HOUR_MS - 60_000);
    }
    expect(logged.filter((line) => line.startsWith("error an obligation of a task cannot be settled"))).toHaveLength(2);
    await step("Cleanup");
    await expectSettled();
  });
});

describe("a runtime whose task had been on its way for long before it was made", () => {
  const MINUTE_MS = 60_000;
  const unseen = { error: "ResourceNotFoundException" } as const;

  async function madeLate({ onTheWireMs = 0 } = {}) {
    const system = await admitted("runtime");
    const { emulator, advance, step } = system;
    emulator.runtimes.getsUntilReady = 0;
    advance(20 * MINUTE_MS);
    // The clock goes on while the request is on its way.
    emulator.fail("CreateAgentRuntime", { lateMs: 0 }, 1, () => {
      advance(onTheWireMs);
      return true;
    });
    await step("Provision");
    return system;
  }

  it.each([
    ["made at once", 0],
    ["made by a request that was five minutes on its way", 5],
  ])("is waited for although reads do not find it yet, %s", async (_what, minutes) => {
    const { step, read, emulator } = await madeLate({ onTheWireMs: minutes * MINUTE_MS });
    emulator.fail("GetAgentRuntime", unseen, 1);
    while ((await step("AwaitReady")).again);
    expect(await read()).toMatchObject({ status: "starting" });
  });

  it("is deleted although reads do not find it yet", async () => {
    const { step, cancel, emulator, expectSettled } = await madeLate({ onTheWireMs: 5 * MINUTE_MS });
    await step("AwaitReady");
    await cancel();
    emulator.fail("GetAgentRuntime", unseen, 1);
    await step("Cleanup");
    expect(emulator.countOf("DeleteAgentRuntime")).toBe(1);
    await expectSettled();
  });

  it("is gone, without being deleted, once it is no longer young and reads do not find it", async () => {
    const { step, failing, read, fail, advance, emulator, expectSettled } = await madeLate();
    emulator.runtimes.vanish((await read()).providerRefs.runtimeArn ?? "");
    expect(await step("AwaitReady")).toMatchObject({ again: true });
    advance(5 * MINUTE_MS);
    expect(await failing("AwaitReady")).toBe("worker.lost");
    await fail();
    await step("Cleanup");
    expect(emulator.countOf("DeleteAgentRuntime")).toBe(0);
    await expectSettled();
  });
});

describe("a runtime that takes minutes to go", () => {
  it("is asked after at growing intervals; its session is stopped once, and its slot free at once", async () => {
    const { step, fail, advance, holdsSlot, emulator, expectSettled } = await admitted("runtime");
    emulator.runtimes.getsUntilReady = 0;
    emulator.runtimes.getsUntilGone = 16;
    for (const name of ["Provision", "AwaitReady", "Start"] as const) await step(name);
    await fail();
    const pauses: number[] = [];
    for (;;) {
      const { again, waitSeconds } = await step("Cleanup");
      expect(await holdsSlot()).toBe(false);
      expect(emulator.inventory.sessions).toEqual([]);
      if (!again) break;
      pauses.push(waitSeconds);
      advance(waitSeconds * 1000);
    }
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
    // Where looks cost nothing the first comes soon; then as long again as it has taken, up to ten times that.
    expect([pauses[0], pauses.at(-1)]).toEqual([10, 100]);
    expect(emulator.countOf("StopRuntimeSession")).toBe(1);
    await expectSettled();
  });

  it("has its session stopped once more when an invocation was under way, and never after that", async () => {
    const { step, fail, advance, holdsSlot, emulator, change, expectSettled } = await admitted("runtime");
    emulator.runtimes.getsUntilReady = 0;
    emulator.runtimes.getsUntilGone = 3;
    for (const name of ["Provision", "AwaitReady", "Start"] as const) await step(name);
    await change((task, nowMs) => withSession(task, { inFlight: { late: nowMs + 9000 } }));
    await fail();
    expect(await step("Cleanup")).toMatchObject({ again: true, waitSeconds: 9 });
    expect(await holdsSlot()).toBe(true);
    advance(9000);
    while ((await step("Cleanup")).again) expect(await holdsSlot()).toBe(false);
    expect(emulator.countOf("StopRuntimeSession")).toBe(2);
    await expectSettled();
  });
});

describe("a session that has begun", () => {
  it("is waited for no longer than an invocation lasts, although the clock was set back", async () => {
    const { step, fail, advance, change, expectSettled } = await admitted("session");
    for (const name of ["Provision", "AwaitReady", "Start"] as const) await step(name);
    await change((task, nowMs) => withSession(task, { inFlight: { late: nowMs + 9000 } }));
    await fail();
    for (const hours of [3, 6]) {
      advance(-hours * HOUR_MS);
      const { again, waitSeconds } = await step("Cleanup");
      expect(again).toBe(true);
      expect(waitSeconds).toBeLessThanOrEqual(61);
    }
    advance(61_000);
    expect(await step("Cleanup")).toMatchObject({ again: false });
    await expectSettled();
  });

  it("is owed until its machine must have ended by itself, and holds its slot for an hour", async () => {
    const { step, failing, fail, advance, read, holdsSlot, emulator } = await admitted("session");
    for (const name of ["Provision", "AwaitReady", "Start"] as const) await step(name);
    await fail();
    emulator.fail("StopRuntimeSession", denied, 4);
    expect(await failing("Cleanup")).toBe("platform.access_denied");
    expect(await holdsSlot()).toBe(true);
    for (const hours of [1, 7]) {
      advance(hours * HOUR_MS + 1000);
      await step("Cleanup");
      expect(await holdsSlot()).toBe(false);
      expect(await read()).toMatchObject({ obligations: { session: expect.any(String) } });
    }
    advance(HOUR_MS);
    await step("Cleanup");
    expect(isSettled(await read())).toBe(true);
  });
});
