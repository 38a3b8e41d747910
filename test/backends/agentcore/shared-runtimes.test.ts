/** Runtimes that tasks share: made once, taken and given back, and deleted when nobody has used them for a while. */
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import { DispatchError } from "../../../lib/contract/errors.ts";
import { isSettled, type Json, type Task } from "../../../lib/contract/task.ts";
import { sweepRuntimes } from "../../../lib/engine/shared-runtimes/housekeeping.ts";
import { steps } from "../../../lib/engine/steps/index.ts";
import { openTaskStore as openTable } from "../../../lib/store/dynamodb/task-store.ts";
import { makeTask, moved, type TaskFields } from "../../contract/make-task.ts";
import { IMAGE, REGION, ROLE } from "../../emulators/agentcore/emulator.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { openPorts } from "../../mcp/ports.ts";
import { useEmulatorCredentials } from "./emulator-credentials.ts";
import { startWithRegistry } from "./with-registry.ts";

useEmulatorCredentials();
const MINUTE_MS = 60_000;
const digest = (digit: string) => `sha256:${digit.repeat(64)}`;
const EXACT = `${IMAGE.replace(/:1$/, "")}@${digest("a")}`;
const placeOf = (image: string) => ({ region: REGION, ecrImageUri: image, executionRoleArn: ROLE });
const nothing = { runtimes: [], sessions: [] };

let dynalite: Dynalite;
let tableName: string;
beforeAll(async () => {
  dynalite = await startDynalite();
  tableName = await dynalite.makeTable();
});
afterAll(() => dynalite?.stop());

type Options = { image?: string; onTable?: boolean; environment?: Json; runtimeIdleMinutes?: number };

/** Tasks that were admitted, and their steps one by one, on a clock that can be set forward. */
async function system({ image = EXACT, onTable = false, environment, runtimeIdleMinutes }: Options = {}) {
  const { emulator, registry } = await startWithRegistry();
  let aheadMs = 0;
  const now = () => Date.now() + aheadMs;
  const ports = openPorts({
    now,
    configuration: {
      accounts: { "dev-aws": { provider: "aws", region: REGION } },
      backends: {
        cloud: {
          adapter: "aws-agentcore",
          account: "dev-aws",
          details: environment ? { environment: environment as Record<string, string> } : {},
        },
      },
      ...(runtimeIdleMinutes !== undefined && { cloud: { runtimeIdleMinutes } }),
    },
  });
  const backend = agentCoreBackend({ configuration: ports.configuration, log: ports.log, now, holdSeconds: 840 });
  const store = onTable ? openTable({ tableName, client: dynalite.client, now }) : ports.store;
  if (onTable) {
    onTestFinished(() => (store as ReturnType<typeof openTable>).close());
    // The table is one for all tests.
    for (const { id } of await store.listRuntimes())
      await store.changeRuntime(id, (runtime) => runtime && { ...runtime, state: "gone" });
  }
  Object.assign(ports, { backends: { [backend.name]: backend }, store });

  async function admit(details: Json = {}, overrides: TaskFields = {}) {
    const at = new Date(now()).toISOString();
    const task = makeTask({
      provider: "aws",
      accountProfile: "dev-aws",
      backend: backend.name,
      backendName: "cloud",
      target: {
        mode: "runtime",
        details: { ...placeOf(image), ...details },
      },
      status: "provisioning",
      phases: { queued: at, provisioning: at },
      ...overrides,
    });
    await store.create(task);
    const read = () => store.get(task.id) as Promise<Task>;
    const step = async (name: keyof typeof steps) => steps[name](ports, { id: task.id, n: 1 });
    return {
      id: task.id,
      read,
      step,
      arn: async () => (await read()).providerRefs.runtimeArn,
      /** What a step that must fail says. */
      failing: (name: keyof typeof steps) =>
        step(name).then(
          () => expect.unreachable(`${name} did not fail`),
          (error: unknown) => {
            if (error instanceof DispatchError) return error.code;
            throw error;
          },
        ),
      async ready() {
        for (;;) {
          const { again, waitSeconds } = await step("AwaitReady");
          if (!again) return;
          await pause(waitSeconds * 100);
        }
      },
      async end() {
        await store.change(task.id, (seen) => ({
          ...moved(seen, "failed", now()),
          obligations: seen.obligations,
        }));
        while ((await step("Cleanup")).again);
        expect(isSettled(await read())).toBe(true);
      },
    };
  }

  return {
    emulator,
    registry,
    store,
    logged: ports.logged,
    admit,
    sweep: () => sweepRuntimes(ports),
    records: async () => (await store.listRuntimes()).filter(({ state }) => state !== "gone"),
    advance: (minutes: number) => {
      aheadMs += minutes * MINUTE_MS;
    },
  };
}

describe.each([
  ["SQLite", false],
  ["DynamoDB", true],
])("a runtime that tasks share, noted in %s", (_, onTable) => {
  it("is made once, used by one after the other, and deleted an hour after the last", async () => {
    const { emulator, admit, records, sweep, advance } = await system({ onTable });
    emulator.runtimes.getsUntilGone = 2;
    const first = await admit();
    await first.step("Provision");
    await first.ready();
    const [made] = await records();
    expect(made).toMatchObject({ state: "ready", madeBy: first.id, users: [first.id], creations: 1 });
    expect(await first.read()).toMatchObject({
      status: "starting",
      obligations: { session: expect.any(String), sharedRuntime: made?.id },
      providerRefs: { runtimeArn: made?.arn },
      channel: "call",
    });
    await first.end();
    expect(emulator.countOf("DeleteAgentRuntime"), "nobody waits for a deletion").toBe(0);

    advance(50);
    const second = await admit();
    const asked = emulator.calls.length;
    await second.step("Provision");
    expect(await second.step("AwaitReady")).toMatchObject({ again: false });
    expect(emulator.calls.slice(asked).map(({ operation }) => operation)).toEqual(["GetAgentRuntime"]);
    expect(await second.arn()).toBe(made?.arn);
    expect((await second.read()).session?.id).not.toBe((await first.read()).session?.id);
    await sweep();
    advance(90);
    expect(await sweep(), "while it is used").toMatchObject({ kept: 1 });
    await second.end();
    advance(59);
    expect(await sweep()).toEqual({ kept: 1, held: 0, deleting: 0, gone: 0 });
    advance(2);
    expect(await sweep()).toEqual({ kept: 0, held: 0, deleting: 1, gone: 0 });
    while ((await sweep()).gone === 0);
    expect(emulator.inventory).toEqual(nothing);
    expect(emulator.countOf("CreateAgentRuntime")).toBe(1);
    expect(emulator.countOf("DeleteAgentRuntime")).toBe(1);
    expect(await records()).toEqual([]);
    expect(emulator.flaws).toEqual([]);
  });

  it("is made by one of ten that want it at once, and the others wait for it", async () => {
    const { emulator, admit, records } = await system({ onTable });
    emulator.runtimes.getsUntilReady = 2;
    const tasks = await Promise.all(Array.from({ length: 10 }, () => admit()));
    await Promise.all(tasks.map(({ step }) => step("Provision")));
    expect(emulator.countOf("CreateAgentRuntime")).toBe(1);
    expect(new Set(await Promise.all(tasks.map(({ arn }) => arn()))).size).toBe(1);
    await Promise.all(tasks.map(({ ready }) => ready()));
    expect(emulator.countOf("GetAgentRuntime"), "one looks for all").toBeLessThan(8);
    expect(await records()).toMatchObject([{ state: "ready", users: tasks.map(({ id }) => id).sort() }]);
    for (const task of tasks) expect((await task.read()).status).toBe("starting");
    await Promise.all(tasks.map(({ end }) => end()));
    expect(await records()).toMatchObject([{ state: "ready", users: [] }]);
  });

  it("is not waited for while an older one is being deleted: the next is made beside it", async () => {
    const { emulator, admit, records, sweep, advance } = await system({ onTable });
    emulator.runtimes.getsUntilGone = 100;
    const first = await admit();
    await first.step("Provision");
    await first.ready();
    await first.end();
    advance(61);
    expect(await sweep()).toMatchObject({ deleting: 1 });
    const next = await admit();
    await next.step("Provision");
    await next.ready();
    expect(await next.arn()).not.toBe(await first.arn());
    expect((await records()).map(({ state }) => state).sort()).toEqual(["deleting", "ready"]);
    for (const { arn } of emulator.runtimes.made) if (arn !== (await next.arn())) emulator.runtimes.vanish(arn);
    expect(await sweep()).toEqual({ kept: 1, held: 0, deleting: 0, gone: 1 });
  });

  it("is taken or deleted when both are wanted at once, and the task has a runtime in either case", async () => {
    const { emulator, admit, sweep, advance } = await system({ onTable });
    for (let round = 0; round < 5; round++) {
      const before = await admit();
      await before.step("Provision");
      await before.ready();
      await before.end();
      advance(61);
      const task = await admit();
      await Promise.all([task.step("Provision"), sweep()]);
      await task.ready();
      const arn = await task.arn();
      expect(emulator.runtimes.made.filter(({ status }) => status === "READY").map((made) => made.arn)).toContain(arn);
      await task.end();
    }
  });
});

describe("whoever makes a runtime", () => {
  it("may die between AgentCore's answer and the note of it: the next finds the same one", async () => {
    const { emulator, admit, store, records, advance } = await system();
    const first = await admit();
    await first.step("Provision");
    const [made] = await records();
    // As it stood before the answer was noted.
    await store.changeRuntime(made?.id ?? "", (seen) => {
      if (!seen) return undefined;
      const { arn: _, ...rest } = seen;
      return { ...rest, lease: { holder: first.id, untilMs: Date.now() + 2000 } };
    });
    const second = await admit();
    await second.step("Provision");
    expect(await second.arn()).toBe(made?.arn);
    expect(emulator.inventory.runtimes).toEqual([made?.name]);
    expect(await records()).toMatchObject([{ creations: 2, users: [first.id, second.id].sort() }]);
    // So does one that comes when AgentCore may have forgotten how it was made.
    emulator.runtimes.forgetTokens();
    await store.changeRuntime(made?.id ?? "", (seen) => {
      if (!seen) return undefined;
      const { arn: _, ...rest } = seen;
      return rest;
    });
    advance(2);
    const third = await admit();
    await third.step("Provision");
    expect(await third.arn()).toBe(made?.arn);
    expect(emulator.inventory.runtimes).toEqual([made?.name]);
  });

  it("may be cancelled: the others go on, and what nobody uses is found by its name", async () => {
    const { emulator, admit, store, records, sweep, advance } = await system();
    emulator.fail("CreateAgentRuntime", { lose: "answer" }, 4);
    const task = await admit();
    expect(await task.failing("Provision")).toBe("platform.unavailable");
    const [made] = await records();
    expect(made).toMatchObject({ state: "making", users: [task.id], creations: 1 });
    expect(made).not.toHaveProperty("arn");
    await task.end();
    expect(emulator.inventory.runtimes).toEqual([made?.name]);
    advance(61);
    while ((await sweep()).gone === 0);
    expect(emulator.inventory).toEqual(nothing);
    expect(await store.getRuntime(made?.id ?? "")).toMatchObject({ state: "gone" });
  });

  it("leaves one that was never made noted for half an hour, because it may still appear", async () => {
    const { emulator, admit, records, sweep, advance } = await system({ runtimeIdleMinutes: 1 });
    const task = await admit();
    await task.step("Provision");
    const [made] = await records();
    for (const { arn } of emulator.runtimes.made) emulator.runtimes.vanish(arn);
    await task.end();
    advance(2);
    expect(await sweep(), "its ARN says that it is gone").toMatchObject({ gone: 1 });
    expect(made?.arn).toBeDefined();

    emulator.fail("CreateAgentRuntime", { error: "InternalServerException" }, 4);
    const other = await admit();
    await other.failing("Provision");
    await other.end();
    advance(10);
    expect(await sweep()).toMatchObject({ held: 1 });
    advance(21);
    expect(await sweep()).toMatchObject({ gone: 1 });
  });

  it("that AWS refuses says so to all who wait, and the next task tries anew", async () => {
    const { emulator, admit, records, sweep } = await system();
    const held = await admit();
    const waiting = await admit();
    const after = expect.poll(async () => (await records())[0]?.users).toHaveLength(2);
    emulator.fail("CreateAgentRuntime", { error: "AccessDeniedException", after });
    const [one, other] = await Promise.all([held.failing("Provision"), waiting.failing("Provision")]);
    expect([one, other]).toEqual(["platform.access_denied", "platform.access_denied"]);
    expect(emulator.countOf("CreateAgentRuntime")).toBe(1);
    expect(await records()).toEqual([]);
    const next = await admit();
    await next.step("Provision");
    await next.ready();
    for (const task of [held, waiting, next]) await task.end();
    expect(await sweep()).toMatchObject({ kept: 1 });
  });

  it("of what will never be ready fails all who wait for it with AgentCore's reason, and the next makes another", async () => {
    const { emulator, admit, records, sweep } = await system();
    emulator.runtimes.createFails = "the image is for amd64";
    const tasks = await Promise.all([admit(), admit(), admit()]);
    await Promise.all(tasks.map(({ step }) => step("Provision")));
    const failures = tasks.map(async ({ step }) => {
      for (;;) {
        const error = await step("AwaitReady").catch((thrown: DispatchError) => thrown);
        if (error instanceof DispatchError) return error.message;
      }
    });
    for (const message of await Promise.all(failures)) expect(message).toContain("the image is for amd64");
    emulator.runtimes.createFails = undefined;
    const next = await admit();
    await next.step("Provision");
    await next.ready();
    for (const task of [...tasks, next]) await task.end();
    await sweep();
    expect((await records()).map(({ state }) => state)).toEqual(["ready"]);
    expect(emulator.inventory.runtimes).toHaveLength(1);
  });
});

describe("a runtime", () => {
  it("that somebody else deleted is not taken: another is made in its place", async () => {
    const { emulator, admit, records, sweep } = await system();
    const first = await admit();
    await first.step("Provision");
    await first.ready();
    await first.end();
    for (const { arn } of emulator.runtimes.made) emulator.runtimes.vanish(arn);
    const next = await admit();
    await next.step("Provision");
    await next.ready();
    expect(await next.arn()).not.toBe(await first.arn());
    expect(await next.step("Start")).toMatchObject({ again: false });
    expect(await next.read()).toMatchObject({ status: "running" });
    await next.end();
    expect(await sweep()).toEqual({ kept: 1, held: 0, deleting: 0, gone: 1 });
    expect(await records()).toHaveLength(1);
    expect(emulator.inventory.sessions).toEqual([]);
  });

  it("that is there although AgentCore once said otherwise stays for as long as a task uses it", async () => {
    const { emulator, admit, records, sweep } = await system();
    const first = await admit();
    await first.step("Provision");
    await first.ready();
    await first.step("Start");
    emulator.fail("GetAgentRuntime", { error: "ResourceNotFoundException" }, 1);
    const next = await admit();
    await next.step("Provision");
    await next.ready();
    expect(await next.arn()).not.toBe(await first.arn());
    expect(await sweep()).toEqual({ kept: 2, held: 0, deleting: 0, gone: 0 });
    expect(emulator.inventory.runtimes).toHaveLength(2);
    await first.end();
    expect(await sweep()).toEqual({ kept: 1, held: 0, deleting: 0, gone: 1 });
    expect(await records()).toMatchObject([{ users: [next.id] }]);
    await next.end();
    expect(emulator.inventory.sessions).toEqual([]);
  });

  it("that says it is ready, and takes no invocation at first, is asked again", async () => {
    const { emulator, admit } = await system();
    emulator.runtimes.earlyRefusals = ["ResourceNotFoundException", "ValidationException"];
    const task = await admit();
    await task.step("Provision");
    await task.ready();
    await task.step("Start");
    expect(await task.read()).toMatchObject({ status: "running" });
    await task.end();
  });

  it("has its own time to become ready, however long a task was on its way to it", async () => {
    const { emulator, admit, advance, store } = await system();
    emulator.runtimes.getsUntilReady = 3;
    const task = await admit();
    advance(11);
    await task.step("Provision");
    await task.ready();
    expect(await store.get(task.id)).toMatchObject({ status: "starting" });
    await task.end();
  });

  it("is the same for all with the same needs, whatever the values of what a session is told", async () => {
    const needOf = async (details: Json = {}, environment: Record<string, string> = {}, profile = "dev-aws") => {
      const backend = agentCoreBackend({
        configuration: () =>
          parseConfiguration({
            accounts: { "dev-aws": { provider: "aws" }, other: { provider: "aws" } },
            backends: { cloud: { adapter: "aws-agentcore", account: "dev-aws", details: { environment } } },
          }),
        log: { debug() {}, info() {}, warn() {}, error() {} },
        now: Date.now,
        holdSeconds: 840,
      });
      const target = { mode: "runtime" as const, details: { ...placeOf(EXACT), ...details } };
      const owner = Math.random() < 0.5 ? "ann" : "bob";
      const task = makeTask({ backendName: "cloud", accountProfile: profile, owner, target });
      return (await backend.shared?.needOf(task))?.fingerprint;
    };
    const usual = await needOf();
    expect(usual).toMatch(/^[0-9a-f]{32}$/);
    expect(await needOf()).toBe(usual);
    expect(await needOf({}, { KEY: "one" })).toBe(await needOf({}, { KEY: "two" }));
    const others = [
      needOf({ ecrImageUri: EXACT.replace(digest("a"), digest("b")) }),
      needOf({ executionRoleArn: ROLE.replace("worker", "other") }),
      needOf({ region: "eu-west-1" }),
      needOf({ contract: "none" }),
      needOf({}, { KEY: "one" }),
      needOf({}, { OTHER: "one" }),
      // What the worker itself is set up with, or has no other way to know.
      needOf({}, { AGENTDISPATCH_COMMAND_ALLOWLIST: "ls" }),
      needOf({}, { AGENTDISPATCH_COMMAND_ALLOWLIST: "cat" }),
      needOf({ contract: "none" }, { KEY: "one" }),
      needOf({ contract: "none" }, { KEY: "two" }),
      needOf({}, {}, "other"),
    ];
    const found = [usual, ...(await Promise.all(others))];
    expect(new Set(found).size).toBe(found.length);
    expect(found).not.toContain(undefined);
    expect(await needOf({ reuse: false })).toBeUndefined();
  });

  it("knows the names of what the configuration gives, and a session is told the values as its job starts", async () => {
    const environment = { AGENT_KEY: "a-value-nobody-else-sees", AGENTDISPATCH_COMMAND_ALLOWLIST: "sh" };
    const { emulator, admit, store } = await system({ environment });
    const input = { command: "echo $AGENT_KEY $MINE", shell: true };
    const task = await admit({}, { input, env: { MINE: "mine" }, envNames: ["MINE"], workerSequence: 99 });
    await task.step("Provision");
    await task.ready();
    await task.step("Start");
    while ((await task.step("Watch")).again);
    expect(emulator.runtimes.made[0]?.request?.environmentVariables).toEqual({
      AGENTDISPATCH_COMMAND_ALLOWLIST: "sh",
      AGENTDISPATCH_WORKER_GIVEN_NAMES: "AGENT_KEY,AGENTDISPATCH_COMMAND_ALLOWLIST",
    });
    expect((await store.readLog(task.id, 0, 1000)).data).toBe("a-value-nobody-else-sees mine\n");
    expect(JSON.stringify(await store.listRuntimes())).not.toContain(environment.AGENT_KEY);
    expect(JSON.stringify(await task.read())).not.toContain(environment.AGENT_KEY);
  });

  it("is the task's own, and deleted with it, where reuse is false", async () => {
    const { emulator, admit, records } = await system();
    emulator.runtimes.getsUntilReady = 0;
    const task = await admit({ reuse: false });
    await task.step("Provision");
    expect(emulator.inventory.runtimes).toEqual([task.id.replace("task_", "ad_")]);
    expect(await task.read()).toMatchObject({ obligations: { runtime: expect.any(String) }, creations: 1 });
    await task.ready();
    await task.end();
    expect(emulator.inventory).toEqual(nothing);
    expect(await records()).toEqual([]);
  });

  it("of whom the store lost its last task is free again once no session can be left", async () => {
    const { admit, store, records, sweep, advance } = await system();
    const task = await admit();
    await task.step("Provision");
    await task.ready();
    const [made] = await records();
    const forgotten = makeTask().id;
    await store.takeRuntime(made?.id ?? "", forgotten, Date.now());
    advance(8 * 60);
    await sweep();
    expect(await records()).toMatchObject([{ users: [forgotten, task.id].sort() }]);
    advance(61);
    await sweep();
    expect(await records(), "one that still runs stays").toMatchObject([{ users: [task.id] }]);
  });

  it("that cannot be deleted is tried again after an hour", async () => {
    const { emulator, admit, sweep, advance, logged } = await system();
    const task = await admit();
    await task.step("Provision");
    await task.ready();
    await task.end();
    advance(61);
    emulator.fail("DeleteAgentRuntime", { error: "AccessDeniedException" }, 1);
    for (let pass = 0; pass < 3; pass++) expect(await sweep()).toMatchObject({ held: 1 });
    expect(emulator.countOf("DeleteAgentRuntime")).toBe(1);
    expect(logged.filter((line) => line.includes("cannot be deleted"))).toHaveLength(1);
    advance(61);
    expect(await sweep()).toMatchObject({ gone: 1 });
    expect(emulator.inventory).toEqual(nothing);
  });
});

describe("the tag of an image", () => {
  const key = "123456789012/worker:1";

  it("is looked up, and the runtime made of what it stands for", async () => {
    const { emulator, registry, admit, records, sweep, advance } = await system({ image: IMAGE });
    registry.digests[key] = digest("1");
    const first = await admit();
    await first.step("Provision");
    await first.ready();
    await first.end();
    const imageOf = (name: string | undefined) =>
      emulator.runtimes.made.find((made) => made.name === name)?.request?.agentRuntimeArtifact.containerConfiguration;
    const [old] = await records();
    expect(imageOf(old?.name)).toEqual({ containerUri: IMAGE.replace(/:1$/, `@${digest("1")}`) });

    registry.digests[key] = digest("2");
    advance(2);
    const second = await admit();
    await second.step("Provision");
    await second.ready();
    expect(await second.arn()).not.toBe(await first.arn());
    // Long before its hour: nobody will ask for the old image again.
    expect(await sweep()).toEqual({ kept: 1, held: 0, deleting: 0, gone: 1 });
    expect(await records()).toMatchObject([{ arn: await second.arn() }]);
    await second.end();
  });

  it("that moves while a task waits lets a late attempt take another runtime, whose making is waited for", async () => {
    const { emulator, registry, admit, advance } = await system({ image: IMAGE });
    registry.digests[key] = digest("1");
    const task = await admit();
    await task.step("Provision");
    const before = await task.arn();
    registry.digests[key] = digest("2");
    advance(2);
    emulator.fail("CreateAgentRuntime", { error: "ThrottlingException" }, 4);
    await task.failing("Provision");
    expect(await task.step("AwaitReady")).toMatchObject({ again: true });
    expect(await task.read()).toMatchObject({ status: "provisioning" });
    await task.step("Provision");
    await task.ready();
    expect(await task.arn()).not.toBe(before);
    await task.end();
  });

  it("that cannot be looked up any more lets a task that was to share have a runtime of its own, and no other", async () => {
    const { emulator, registry, admit, store, advance } = await system({ image: IMAGE });
    registry.digests[key] = digest("a");
    emulator.runtimes.getsUntilReady = 0;
    const task = await admit();
    emulator.fail("CreateAgentRuntime", { error: "ThrottlingException" }, 4);
    expect(await task.failing("Provision")).toBe("platform.throttled");
    const { sharedRuntime = "" } = (await task.read()).obligations;
    expect((await store.getRuntime(sharedRuntime))?.users).toEqual([task.id]);
    delete registry.digests[key];
    advance(2);
    await task.step("Provision");
    const { obligations } = await task.read();
    expect(obligations).toMatchObject({ runtime: expect.any(String) });
    expect(obligations.sharedRuntime).toBeUndefined();
    expect((await store.getRuntime(sharedRuntime))?.users).toEqual([]);
    await task.ready();
    await task.end();
    expect(emulator.inventory).toEqual(nothing);
  });

  it("that cannot be looked up any more leaves a task that shares a runtime already nothing of that", async () => {
    const { registry, admit, records, advance } = await system({ image: IMAGE });
    registry.digests[key] = digest("a");
    const task = await admit();
    await task.step("Provision");
    const before = await task.arn();
    delete registry.digests[key];
    advance(2);
    // As of a recovery: nobody has said yet that it is ready.
    await task.step("Provision");
    expect((await task.read()).obligations).toMatchObject({ runtime: expect.any(String) });
    expect(await records()).toMatchObject([{ arn: before, users: [] }]);
    await task.ready();
    expect(await task.arn()).not.toBe(before);
    await task.end();
  });

  it("that cannot be looked up gives each task a runtime of its own, and says why", async () => {
    const { emulator, admit, records, logged } = await system({ image: IMAGE });
    emulator.runtimes.getsUntilReady = 0;
    const tasks = await Promise.all([admit(), admit()]);
    for (const { step } of tasks) await step("Provision");
    expect(emulator.inventory.runtimes).toHaveLength(2);
    expect(await records()).toEqual([]);
    expect(logged.filter((line) => line.includes("ecr:DescribeImages"))).toHaveLength(1);
    for (const { end } of tasks) await end();
    expect(emulator.inventory).toEqual(nothing);
  });
});
