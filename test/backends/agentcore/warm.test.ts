/** Sessions that a profile keeps ready: begun, greeted, taken by one task each, replaced, and ended when nobody wants them. */
import { describe, expect, it } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import { RetryableError } from "../../../lib/contract/errors.ts";
import { operatorAnswers } from "../../../lib/contract/stopping/operator.ts";
import { isSettled, type Json, type Task } from "../../../lib/contract/task.ts";
import { newTaskId } from "../../../lib/contract/task-id.ts";
import { sweepRuntimes } from "../../../lib/engine/shared-runtimes/housekeeping.ts";
import { keepWarm } from "../../../lib/engine/shared-runtimes/keep-warm.ts";
import { steps } from "../../../lib/engine/steps/index.ts";
import { answerOperator } from "../../../lib/engine/stopping/operator.ts";
import { endWarm } from "../../../lib/engine/stopping/warm.ts";
import { makeTask, moved, type TaskFields } from "../../contract/make-task.ts";
import { IMAGE, REGION, ROLE } from "../../emulators/agentcore/emulator.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { openPorts } from "../../mcp/ports.ts";
import { useEmulatorCredentials } from "./emulator-credentials.ts";
import { startWithRegistry } from "./with-registry.ts";

useEmulatorCredentials();
const MINUTE_MS = 60_000;
const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const imageOf = (digit: string) => `${IMAGE.replace(/:1$/, "")}@${digest(digit)}`;

type Options = { mode?: "session" | "runtime"; warm?: number };

async function system({ mode = "session", warm = 2 }: Options = {}) {
  const { emulator } = await startWithRegistry();
  let aheadMs = 0;
  const now = () => Date.now() + aheadMs;
  const runtimeArn = emulator.deploy("research");
  const detailsOf = (digit: string): Json =>
    mode === "session" ? { runtimeArn } : { region: REGION, ecrImageUri: imageOf(digit), executionRoleArn: ROLE };
  const configured = (count: number | undefined, digit = "a") =>
    parseConfiguration({
      accounts: { "dev-aws": { provider: "aws", region: REGION } },
      backends: { cloud: { adapter: "aws-agentcore", account: "dev-aws" } },
      runtimes: {
        ready: {
          backend: "cloud",
          target: { mode, details: detailsOf(digit) },
          framework: "echo",
          ...(count !== undefined && { warm: count }),
        },
      },
    });
  let configuration = configured(warm);
  const ports = openPorts({ now });
  Object.assign(ports, { configuration: () => configuration });
  const backend = agentCoreBackend({ configuration: ports.configuration, log: ports.log, now, holdSeconds: 840 });
  Object.assign(ports, { backends: { [backend.name]: backend } });
  const { store } = ports;

  async function admit(fields: TaskFields = {}, digit = "a") {
    const at = new Date(now()).toISOString();
    const task = makeTask({
      provider: "aws",
      accountProfile: "dev-aws",
      backend: backend.name,
      backendName: "cloud",
      profile: "ready",
      target: { mode, details: detailsOf(digit) },
      channel: "call",
      status: "provisioning",
      phases: { queued: at, provisioning: at },
      ...fields,
    });
    await store.create(task);
    const read = () => store.get(task.id) as Promise<Task>;
    const step = async (name: keyof typeof steps) => steps[name](ports, { id: task.id, n: 1 });
    return {
      id: task.id,
      read,
      step,
      session: async () => (await read()).session?.id ?? "",
      async begin() {
        for (const name of ["Provision", "AwaitReady", "Start"] as const) while ((await step(name)).again);
      },
      async end() {
        await store.change(task.id, (seen) => ({ ...moved(seen, "failed", now()), obligations: seen.obligations }));
        while ((await step("Cleanup")).again);
        expect(isSettled(await read())).toBe(true);
      },
    };
  }

  const running = () => emulator.inventory.sessions.map((key) => key.split("/").at(-1) ?? "").sort();
  return {
    emulator,
    store,
    ports,
    admit,
    running,
    /** Sessions that a task may take. */
    ready: async () => {
      const all = await store.listWarm();
      return all.flatMap(({ state, task }) => (state === "ready" ? [task.session?.id ?? ""] : [])).sort();
    },
    keep: (pass = {}) => keepWarm(ports, pass),
    sweep: () => sweepRuntimes(ports),
    want: (count: number | undefined, digit?: string) => {
      configuration = configured(count, digit);
    },
    advance: (minutes: number) => {
      aheadMs += minutes * MINUTE_MS;
    },
    hellos: () => emulator.calls.filter(({ body }) => (body as Json | undefined)?.op === "hello").length,
    found: () => ports.logged.flatMap((line) => /was left behind.*"thing":"(\w+)"/.exec(line)?.[1] ?? []),
  };
}

describe.each(["session", "runtime"] as const)("sessions that are kept ready in mode %s", (mode) => {
  it("run before anybody asks, are greeted so that they last, and are not more than wanted", async () => {
    const { keep, running, ready, hellos, advance } = await system({ mode });
    expect(await keep()).toMatchObject({ ready: 2, begun: 2, ended: 0 });
    expect(running()).toEqual(await ready());
    expect(running()).toHaveLength(2);
    expect([await keep(), hellos()]).toMatchObject([{ ready: 2, begun: 0, ended: 0 }, 2]);
    advance(5);
    expect([await keep(), hellos()]).toMatchObject([{ ready: 2, begun: 0, ended: 0 }, 4]);
    expect(running()).toEqual(await ready());
  });

  it("are a task's that takes one, whose job begins without another machine, and another takes its place", async () => {
    const { keep, running, ready, admit, hellos, emulator } = await system({ mode, warm: 1 });
    await keep();
    const [session] = await ready();
    const task = await admit();
    await task.begin();
    expect(await task.session()).toBe(session);
    expect(await task.read()).toMatchObject({ status: "running", obligations: { session } });
    expect([running(), hellos()]).toEqual([[session], 1]);
    expect(await keep()).toMatchObject({ ready: 1, begun: 1, ended: 0 });
    expect(running()).toHaveLength(2);
    await task.end();
    expect(running()).toEqual(await ready());
    expect(running()).not.toContain(session);
    expect(emulator.flaws).toEqual([]);
  });

  it("are taken by one of many tasks each", async () => {
    const { keep, ready, admit } = await system({ mode });
    await keep();
    const sessions = await ready();
    const tasks = await Promise.all(Array.from({ length: 5 }, () => admit()));
    await Promise.all(tasks.map((task) => task.step("Provision")));
    const taken = await Promise.all(tasks.map((task) => task.session()));
    expect(new Set(taken).size).toBe(5);
    expect(taken.filter((session) => sessions.includes(session)).sort()).toEqual(sessions);
    expect(await ready()).toEqual([]);
    // As whoever died in between would do it again.
    await Promise.all(tasks.map((task) => task.step("Provision")));
    expect(await Promise.all(tasks.map((task) => task.session()))).toEqual(taken);
  });

  it("are begun by one of two who look at once", async () => {
    const { keep, running, ready } = await system({ mode });
    await Promise.all([keep(), keep(), keep()]);
    await keep();
    expect(running()).toHaveLength(2);
    expect(running()).toEqual(await ready());
  });

  it("are replaced after an hour, and ended when fewer are wanted, or none", async () => {
    const { keep, running, ready, advance, want, found, store } = await system({ mode });
    await keep();
    const first = running();
    advance(61);
    expect(await keep()).toMatchObject({ ready: 2, begun: 2, ended: 2 });
    expect(running().filter((session) => first.includes(session))).toEqual([]);
    want(1);
    expect(await keep()).toMatchObject({ ready: 1, begun: 0, ended: 1 });
    expect(running()).toEqual(await ready());
    want(undefined);
    expect(await keep()).toMatchObject({ ready: 0, ended: 1 });
    expect(running()).toEqual([]);
    expect(found()).toEqual(Array(4).fill("warm_session"));
    for (const { users } of await store.listRuntimes()) expect(users).toEqual([]);
  });

  it("are ended when admission is paused for everybody, and when the system ends", async () => {
    const { keep, running, store } = await system({ mode });
    await keep();
    await store.pauseAdmission({ everybody: "operator" }, 1);
    expect(await keep()).toMatchObject({ ready: 0, ended: 2 });
    expect(running()).toEqual([]);
    await store.resumeAdmission({ everybody: "operator" });
    await keep();
    expect(running()).toHaveLength(2);
    expect(await keep({ ending: true })).toMatchObject({ ended: 2 });
    expect(running()).toEqual([]);
  });

  it("are seen by an operator, with what they cost, and ended with all that runs", async () => {
    const { keep, running, ready, ports, advance } = await system({ mode });
    await keep();
    advance(30);
    const ask = (request: object) => answerOperator(ports, request, () => true);
    const names = await ready();
    const seen = { warm: [{ profile: "ready", state: "ready", ageSeconds: expect.any(Number) }, {}] };
    for (const request of [{ operation: "sessions" }, { operation: "stop_all" }])
      expect(await ask(request)).toMatchObject(seen);
    const { warm } = operatorAnswers.sessions.parse(await ask({ operation: "sessions" }));
    expect(warm.map(({ sessionId }) => sessionId).sort()).toEqual(names);
    for (const { ageSeconds, estimatedCost } of warm) {
      expect(ageSeconds).toBeGreaterThanOrEqual(1800);
      expect(estimatedCost).toMatchObject({ isEstimate: true, leastUsd: expect.any(Number) });
      expect(estimatedCost?.mostUsd).toBeGreaterThan(estimatedCost?.leastUsd ?? Number.POSITIVE_INFINITY);
    }
    expect(running()).toHaveLength(2);
    const stopped = operatorAnswers.stop_all.parse(await ask({ operation: "stop_all", confirm: true, waitSeconds: 1 }));
    const verified = stopped.verified ?? [];
    expect(verified.map(({ what, name }) => `${what} ${name}`).sort()).toEqual(names.map((name) => `session ${name}`));
    expect(running()).toEqual([]);
    expect(await ask({ operation: "sessions" })).toMatchObject({ warm: [] });
  });

  it("are not said to have stopped where a task takes one in that moment", async () => {
    const { keep, running, ready, ports, store, admit } = await system({ mode, warm: 1 });
    await keep();
    const [session] = await ready();
    const task = await admit();
    const inner = store.changeWarm;
    Object.assign(store, {
      changeWarm: async (...of: Parameters<typeof inner>) => {
        Object.assign(store, { changeWarm: inner });
        await task.step("Provision");
        return inner.apply(store, of);
      },
    });
    expect(await endWarm(ports)).toMatchObject({
      verified: [],
      underway: [{ what: "session", name: session, why: expect.stringContaining("a task took it") }],
    });
    expect(running()).toEqual([session]);
    expect(await task.session()).toBe(session);
    await task.end();
    expect(running()).toEqual([]);
  });

  it("stay known where they are when a pass comes late to place one that runs by then", async () => {
    const { keep, running, ports, store, want } = await system({ mode, warm: 1 });
    const { listRuntimes, listWarm, takeRuntime } = store;
    const unavailable = () => Promise.reject(new RetryableError("platform.store_unavailable", "on demand"));
    // Its record is made, and no more.
    const [backend] = Object.values(ports.backends);
    const { provision } = backend as NonNullable<typeof backend>;
    Object.assign(store, { listRuntimes: unavailable });
    Object.assign(backend as object, { provision: unavailable });
    await keep();
    expect(await listWarm.call(store)).toMatchObject([{ state: "making" }]);
    Object.assign(store, {
      listRuntimes,
      listWarm: async (...of: Parameters<typeof listWarm>) => {
        const seen = await listWarm.apply(store, of);
        Object.assign(store, { listWarm });
        Object.assign(backend as object, { provision });
        await keep();
        Object.assign(store, { takeRuntime: unavailable });
        return seen;
      },
    });
    await keep();
    Object.assign(store, { takeRuntime });
    expect(running()).toHaveLength(1);
    want(undefined);
    await keep();
    expect(running()).toEqual([]);
  });

  it("are ended where a task took one and never noted it, or was cancelled before it had one", async () => {
    const { keep, running, store, ready, admit } = await system({ mode });
    await keep();
    const [lost, cancelled] = (await store.listWarm()).map(({ id }) => id) as [string, string];
    await store.changeWarm(lost, (one) => one && { ...one, state: "taken", takenBy: newTaskId() });
    const task = await admit({ status: "cancelled" });
    await store.changeWarm(cancelled, (one) => one && { ...one, state: "taken", takenBy: task.id });
    expect(await keep()).toMatchObject({ ready: 2, begun: 2, ended: 2 });
    expect(running()).toEqual(await ready());
  });

  it("are stopped by its clean-up where a task is cancelled as soon as it has taken one", async () => {
    const { keep, running, admit, store } = await system({ mode, warm: 1 });
    await keep();
    const task = await admit();
    const inner = store.takeRuntime;
    // Right after it has noted the session.
    const cancel = () =>
      store.change(task.id, (seen) => ({ ...moved(seen, "failed", 1), obligations: seen.obligations }));
    Object.assign(store, {
      takeRuntime: async (...of: Parameters<typeof inner>) => {
        await cancel();
        return inner.apply(store, of);
      },
    });
    await task.step("Provision");
    if (mode === "session") await cancel();
    expect(running()).toEqual([await task.session()]);
    while ((await task.step("Cleanup")).again);
    expect(running()).toEqual([]);
    expect(isSettled(await task.read())).toBe(true);
  });

  it("are passed over by a task that would outlast the machine, and by one of another place", async () => {
    const { keep, admit, ready, advance } = await system({ mode, warm: 1 });
    await keep();
    advance(30);
    const long = await admit({ limits: { ...makeTask().limits, timeoutSeconds: 27_000 } });
    const elsewhere = await admit({
      target:
        mode === "session"
          ? {
              mode,
              details: { runtimeArn: `arn:aws:bedrock-agentcore:${REGION}:123456789012:runtime/other-AbCdEf1234` },
            }
          : { mode, details: { region: REGION, ecrImageUri: imageOf("b"), executionRoleArn: ROLE } },
    });
    for (const task of [long, elsewhere]) {
      await task.step("Provision");
      expect(await ready()).not.toContain(await task.session());
    }
    expect(await ready()).toHaveLength(1);
  });

  it("are stopped by the next run when this one is refused", async () => {
    const { keep, running, want, emulator } = await system({ mode, warm: 1 });
    await keep();
    want(undefined);
    emulator.fail("StopRuntimeSession", { error: "AccessDeniedException" });
    expect(await keep()).toMatchObject({ ended: 0 });
    expect(running()).toHaveLength(1);
    expect(await keep()).toMatchObject({ ended: 1 });
    expect(running()).toEqual([]);
  });

  it("whose machine was replaced give a task another, and its job runs once", async () => {
    const { keep, ready, admit, emulator } = await system({ mode, warm: 1 });
    await keep();
    const [session = ""] = await ready();
    await emulator.replaceMachine(session);
    const task = await admit();
    await task.begin();
    expect(await task.session()).toBe(session);
    expect(await task.read()).toMatchObject({ status: "running" });
    const starts = emulator.calls.filter(({ body }) => (body as Json | undefined)?.op === "start");
    expect(starts.length).toBeGreaterThan(1);
    await task.end();
  });
});

describe("the check of a profile", () => {
  it("says what the sessions cost, or why none can be kept", async () => {
    const { ports } = await system({ mode: "session", warm: 2 });
    const [backend] = Object.values(ports.backends);
    const place = { provider: "aws", accountProfile: "dev-aws", backend: "aws-agentcore", profile: "ready" };
    const warmOf = async (target: Task["target"]) =>
      (await backend?.check({ ...place, target }, false))?.filter(({ name }) => name === "warm");
    const runtimeArn = `arn:aws:bedrock-agentcore:${REGION}:123456789012:runtime/other-AbCdEf1234`;
    expect(await warmOf({ mode: "session", details: { runtimeArn } })).toEqual([
      {
        name: "warm",
        status: "pass",
        message: expect.stringMatching(/^2 sessions .* cost \$1\.72 to \$13\.80 a month/),
      },
    ]);
    expect(await warmOf({ mode: "session", details: { runtimeArn, contract: "none" } })).toMatchObject([
      { status: "fail", message: expect.stringContaining("worker contract") },
    ]);
    expect(await warmOf({ mode: "runtime", details: { reuse: false } })).toMatchObject([
      { status: "fail", message: expect.stringContaining("reuse") },
    ]);
  });
});

describe("a runtime that tasks share", () => {
  it("is kept while a session is kept ready in it, and goes when its image is another", async () => {
    const { keep, sweep, advance, want, emulator, running, store } = await system({ mode: "runtime", warm: 1 });
    await keep();
    const before = emulator.inventory.runtimes;
    advance(59);
    await keep();
    advance(70);
    await keep();
    expect(await sweep()).toMatchObject({ kept: 1 });
    expect(emulator.inventory.runtimes).toEqual(before);
    want(1, "b");
    expect(await keep()).toMatchObject({ begun: 1, ended: 1 });
    // Of another image by its digest: nobody uses the older one for an hour.
    advance(61);
    await keep();
    await sweep();
    expect(emulator.inventory.runtimes).toHaveLength(1);
    expect(emulator.inventory.runtimes).not.toEqual(before);
    expect(running()).toHaveLength(1);
    const live = (await store.listRuntimes()).filter(({ state }) => state === "ready");
    expect(live).toHaveLength(1);
  });
});
