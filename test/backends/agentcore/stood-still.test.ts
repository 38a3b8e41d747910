/**
 * A process that stands still, as a function that is frozen or a machine that sleeps, after it has noted an invocation: by the time
 * it goes on the session is over, and whatever reached it would begin, and bill, another machine.
 */
import { describe, expect, it, test } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import { isSettled, type Task } from "../../../lib/contract/task.ts";
import { cancelTask } from "../../../lib/engine/cancellation.ts";
import { withSession } from "../../../lib/engine/invocation-gate.ts";
import { poll } from "../../../lib/engine/poll/poll.ts";
import type { Ports } from "../../../lib/engine/ports.ts";
import { steer } from "../../../lib/engine/service/input.ts";
import { send } from "../../../lib/engine/service/send.ts";
import { keepWarm } from "../../../lib/engine/shared-runtimes/keep-warm.ts";
import { steps } from "../../../lib/engine/steps/index.ts";
import { makeTask, moved, type TaskFields } from "../../contract/make-task.ts";
import { REGION } from "../../emulators/agentcore/emulator.ts";
import { askAsLocalIdentity, startEmulator } from "../../emulators/agentcore/system.ts";
import { openPorts } from "../../mcp/ports.ts";

askAsLocalIdentity();
/** Longer than any of these is noted. */
const STANDS_MS = 2 * 3_600_000;

/** A control plane on a clock that can be set forward, with a runtime on which a task can have a session. */
async function system({ isContractLess = false } = {}) {
  const emulator = await startEmulator();
  const arrived: string[] = [];
  const runtimeArn = emulator.deploy(
    "shared",
    isContractLess
      ? {
          contractLess: (request, response) => {
            arrived.push(request.toString());
            response.end("{}");
          },
        }
      : {},
  );
  let aheadMs = 0;
  const ports = openPorts({
    now: () => Date.now() + aheadMs,
    configuration: {
      accounts: { "dev-aws": { provider: "aws", region: REGION } },
      backends: { cloud: { adapter: "aws-agentcore", account: "dev-aws" } },
      runtimes: { ready: { backend: "cloud", target: { mode: "session", details: { runtimeArn } }, warm: 1 } },
    },
  });
  const { configuration, log, now, store } = ports;
  const backend = agentCoreBackend({ endpoint: emulator.endpoint, configuration, log, now, holdSeconds: 840 });
  Object.assign(ports, { backends: { [backend.name]: backend } });
  const advance = (ms: number) => {
    aheadMs += ms;
  };

  async function admit(fields: TaskFields = {}) {
    const at = new Date(now()).toISOString();
    const task = makeTask({
      provider: "aws",
      accountProfile: "dev-aws",
      backend: backend.name,
      taskType: "agent.run",
      input: { instruction: "work" },
      target: { mode: "session", protocol: "a2a", details: { runtimeArn } },
      channel: isContractLess ? "synchronous" : "call",
      status: "provisioning",
      phases: { queued: at, provisioning: at },
      ...fields,
    });
    await store.create(task);
    const { id } = task;
    const step = (name: keyof typeof steps) => steps[name](ports, { id, n: 1 });
    while ((await step("Provision")).again || (await step("AwaitReady")).again);
    const read = () => store.get(id) as Promise<Task>;
    /** What somebody else does meanwhile: ends the task, and settles all that it owes. */
    async function end(): Promise<void> {
      await store.change(id, (now) => ({ ...moved(now, "failed", ports.now()), obligations: now.obligations }));
      for (;;) {
        const { again, waitSeconds } = await step("Cleanup");
        if (!again) break;
        advance(waitSeconds * 1000);
      }
      expect(isSettled(await read())).toBe(true);
    }
    return { id, read, step, end };
  }

  /** The next invocation that is noted stands still after that, `skip` of them before it do not. */
  function standStill(meanwhile: () => Promise<void>, skip = 0): { stood(): boolean } {
    const change = store.change.bind(store);
    let left = skip;
    let stood = false;
    store.change = async (id, edit) => {
      let isNoted = false;
      const counted = (task: Task) => Object.keys(task.session?.inFlight ?? {}).length;
      const changed = await change(id, (now) => {
        const next = edit(now);
        isNoted = next !== undefined && counted(next) > counted(now);
        return next;
      });
      if (!isNoted || stood || left-- > 0) return changed;
      stood = true;
      await meanwhile();
      advance(STANDS_MS);
      return changed;
    };
    return { stood: () => stood };
  }

  return { emulator, ports, store, advance, admit, standStill, arrived };
}

/** As if its job had begun. */
const begun = (task: Task, nowMs: number): Task =>
  withSession(moved(task, "running", nowMs), { bootId: "b".repeat(32), sent: 2, startAttemptedAtMs: nowMs });

type Act = (ports: Ports, task: Task) => Promise<unknown>;
const acts: [string, Act, unknown][] = [
  ["a poll", (ports, { id }) => poll(ports, id, { waitSeconds: 0 }), expect.anything()],
  ["the word that it is cancelled", (ports, task) => cancelTask(ports, task), expect.anything()],
  ["a message", (ports, task) => steer(ports, task, "hear"), { received: false, delivered: false }],
  [
    "a message of A2A",
    (ports, task) => send(ports, task, { text: "hear", timeoutSeconds: 5 }),
    { code: "platform.stood_still", retryable: true },
  ],
];

describe("by a process that stands still between noting and sending", () => {
  it.each(acts)("%s is not sent to a session that is over", async (_what, act, outcome) => {
    const { ports, emulator, admit, store, standStill } = await system();
    const { id, end } = await admit();
    const task = await store.change(id, (now) => begun(now, ports.now()));
    const { stood } = standStill(end);
    const said = await act(ports, task).catch((error: unknown) => error);
    expect(stood()).toBe(true);
    expect(said).toMatchObject(outcome as object);
    expect(emulator.countOf("InvokeAgentRuntime")).toBe(0);
    expect(emulator.inventory.sessions).toEqual([]);
  });

  it.each([
    ["the first request", 0],
    ["the job", 1],
  ])("%s of a session is not sent once it is over", async (_what, skip) => {
    const { emulator, admit, standStill } = await system();
    const { step, end } = await admit();
    standStill(end, skip);
    await expect(step("Start")).rejects.toMatchObject({ code: "platform.stood_still", retryable: true });
    expect(emulator.countOf("InvokeAgentRuntime")).toBe(skip);
    expect(emulator.inventory.sessions).toEqual([]);
  });

  it("the job is sent by the next attempt, once, where the session is open", async () => {
    const { emulator, admit, standStill } = await system();
    const { step, read } = await admit({ taskType: "command.run", input: { command: "true" } });
    standStill(async () => {}, 1);
    await expect(step("Start")).rejects.toMatchObject({ code: "platform.stood_still" });
    expect(await read()).toMatchObject({ status: "starting", session: { sent: 1 } });
    expect((await read()).session).not.toHaveProperty("startAttemptedAtMs");
    await step("Start");
    expect(await read()).toMatchObject({ status: "running", session: { sent: 2 } });
    expect(emulator.calls.filter(({ body }) => (body as { op?: string }).op === "start")).toHaveLength(1);
  });

  it("the one call of a runtime without the contract is left to the next attempt", async () => {
    const { admit, standStill, advance, arrived } = await system({ isContractLess: true });
    const { step, read } = await admit();
    standStill(async () => {});
    await expect(step("SynchronousCall")).rejects.toMatchObject({ code: "platform.stood_still" });
    expect(arrived).toEqual([]);
    expect(await read()).toMatchObject({ status: "starting", session: { inFlight: {} } });
    // For a moment after an attempt that failed there is no other.
    advance(1000);
    await step("SynchronousCall");
    expect(arrived).toHaveLength(1);
  });

  it("the one call of a runtime without the contract is never sent once it was said that it begins", async () => {
    const { ports, admit, advance, arrived, emulator } = await system({ isContractLess: true });
    const { step, read } = await admit();
    const appendEvents = ports.store.appendEvents.bind(ports.store);
    ports.store.appendEvents = async (events) => {
      await appendEvents(events);
      if (events.some(({ type }) => type === "task.started")) advance(STANDS_MS);
    };
    await step("SynchronousCall");
    await step("Complete");
    expect(await read()).toMatchObject({ status: "failed", error: { code: "platform.stood_still", retryable: true } });
    expect(arrived).toEqual([]);
    expect(emulator.inventory.sessions).toEqual([]);
  });
});

test("what was turned away is not sent again by a process that stood still before it tried again", async () => {
  const { ports, emulator, admit, store, advance } = await system();
  const { id, end } = await admit();
  await store.change(id, (now) => begun(now, ports.now()));
  emulator.fail("InvokeAgentRuntime", { error: "ThrottlingException" }, 1, () => {
    advance(STANDS_MS);
    return true;
  });
  expect(await poll(ports, id, { waitSeconds: 0 })).toMatchObject({ status: "running", session: { inFlight: {} } });
  expect(emulator.countOf("InvokeAgentRuntime")).toBe(1);
  await end();
  expect(emulator.inventory.sessions).toEqual([]);
});

test("a session that is to be kept ready is not begun by a process that stood still", async () => {
  const { ports, emulator, advance } = await system();
  const { store } = ports;
  const changeWarm = store.changeWarm.bind(store);
  let stood = false;
  store.changeWarm = async (id, edit) => {
    const changed = await changeWarm(id, edit);
    if (changed?.inFlightUntilMs !== undefined && !stood) {
      stood = true;
      advance(STANDS_MS);
    }
    return changed;
  };
  await keepWarm(ports);
  expect(stood).toBe(true);
  expect(emulator.countOf("InvokeAgentRuntime")).toBe(0);
  await keepWarm(ports);
  expect(emulator.inventory.sessions).toHaveLength(1);
});
