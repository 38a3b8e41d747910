import { describe, expect, it } from "vitest";
import type { BackendAdapter } from "../../lib/backends/adapter.ts";
import { OutcomeUnknownError, RefusedError, RetryableError } from "../../lib/contract/errors.ts";
import type { Task } from "../../lib/contract/task.ts";
import type { Operation, PollReply } from "../../lib/contract/worker.ts";
import { artifactsFrom } from "../../lib/engine/artifact-pages.ts";
import { cancelTask } from "../../lib/engine/cancellation.ts";
import { poll } from "../../lib/engine/poll/poll.ts";
import { waitForTask } from "../../lib/engine/poll/waiting.ts";
import { resultView } from "../../lib/engine/record.ts";
import { recoverDue } from "../../lib/engine/recovery.ts";
import { steps } from "../../lib/engine/steps/index.ts";
import { again, done, type Step } from "../../lib/engine/steps/step.ts";
import { describeContent, makeTask, withFields } from "../contract/make-task.ts";
import { answering, type VirtualSystem, virtualSystem } from "../fixtures/virtual-system.ts";

const HOUR_MS = 3_600_000;
const file = { id: "a", name: "a.txt", sizeBytes: 1, sha256: "0".repeat(64), contentType: "text/plain" };
const failure = {
  Error: "StepRetryable",
  Cause: JSON.stringify({
    errorMessage: JSON.stringify({ code: "platform.throttled", message: "too many calls", retryable: true }),
  }),
};

/** The end of every job is told with a file that it left. */
const leavingAFile = async (operation: Operation, answer: () => Promise<unknown>) => {
  const reply = (await answer()) as PollReply;
  return operation.op === "poll" && reply.status === "succeeded" ? { ...reply, artifacts: [file] } : reply;
};

/** The files of a task that has ended, as its owner sees them. */
async function filesOf({ ports }: VirtualSystem, task: Task) {
  const files = await artifactsFrom(ports.store, task, 0);
  return resultView(task, {
    files: files.map((artifact) => ({ artifact, ...(artifact.state === "stored" && { uri: "x" }) })),
  });
}

describe("a job whose time is over", () => {
  it("that ended while nobody looked is asked, and its result kept", async () => {
    await using system = virtualSystem({
      durationMs: () => 30_000,
      limits: { timeoutSeconds: 60 },
      wrap: (state, step) => (ports, input) => {
        if (state === "Watch" && system.visits.Watch === 1) system.advance(HOUR_MS);
        return step(ports, input);
      },
    });
    const id = await system.dispatch();
    expect(await system.settled(id)).toMatchObject({ status: "succeeded", result: { ran: id } });
  });

  it("is given up when its worker goes on without a word", async () => {
    await using system = virtualSystem({ durationMs: () => HOUR_MS, limits: { timeoutSeconds: 60 } });
    const task = await system.settled(await system.dispatch());
    expect(task).toMatchObject({ status: "failed", error: { code: "task.timeout" } });
    expect(Date.parse(task.phases.failed ?? "") - Date.parse(task.phases.running ?? "")).toBeLessThan(240_000);
    expect(system.backend.sessions.size).toBe(0);
  });

  it.each(["Start", "Watch"])("is given up when its worker is silent after a cancel during %s", async (state) => {
    await using system = virtualSystem({
      durationMs: () => HOUR_MS,
      wrap: (name, step) => async (ports, input) => {
        if (name === "Watch" && state === "Watch" && system.visits.Watch === 2) await cancelTask(ports, input);
        return step(ports, input);
      },
    });
    let isSilent = false;
    answering(system, async (operation, answer) => {
      const reply = isSilent ? undefined : await answer();
      if (operation.op === "start" && state === "Start") {
        const [id = ""] = system.backend.started;
        isSilent = true;
        await cancelTask(system.ports, { id });
      }
      isSilent ||= operation.op === "cancel";
      if (isSilent && operation.op !== "start") throw new OutcomeUnknownError("no answer");
      return reply;
    });
    const id = await system.dispatch();
    const task = await system.settled(id);
    expect(task.status).toBe("cancelled");
    expect(Object.keys(task.session?.inFlight ?? {}).length).toBeLessThan(5);
    expect(system.backend.sessions.size).toBe(0);
  });
});

describe("a clock that is set while a job runs", () => {
  const MINUTE_MS = 60_000;

  it.each([
    ["forward, as it seems after a sleep,", 3 * HOUR_MS],
    ["back", -2 * HOUR_MS],
  ])("%s ends no healthy job, and delays none", async (_, byMs) => {
    let misses = 2;
    await using system = virtualSystem({
      durationMs: () => 8 * MINUTE_MS,
      limits: { timeoutSeconds: 600 },
      wrap: (state, step) => async (ports, input) => {
        if (state === "Watch" && system.visits.Watch === 3) {
          // Somebody looked at that moment, and died.
          const lease = { holder: "another", untilMs: ports.now() + 10_000 };
          await ports.store.change(input.id, (task) => ({ ...task, lease }));
          system.clock.set(byMs);
        }
        return step(ports, input);
      },
    });
    answering(system, (operation, answer) => {
      const isAfterwards = operation.op === "poll" && (system.visits.Watch ?? 0) > 3;
      if (isAfterwards && misses-- > 0)
        throw new RetryableError("worker.connection_lost", "the network is not back yet");
      return answer();
    });
    const startedAtMs = system.clock.steady();
    const id = await system.dispatch();
    expect(await system.settled(id)).toMatchObject({ status: "succeeded", result: { ran: id } });
    expect(system.backend.started).toEqual([id]);
    expect(system.clock.steady() - startedAtMs).toBeLessThan(12 * MINUTE_MS);
  });

  it("does not keep one who waits, nor let go early", async () => {
    await using system = virtualSystem();
    const { ports, clock } = system;
    const steady = () => performance.now();
    const task = makeTask({ status: "provisioning" });
    await ports.store.create(task);
    for (const byMs of [-2 * HOUR_MS, 4 * HOUR_MS]) {
      const beganAt = steady();
      const wait = { timeoutSeconds: 0.3, until: () => false, onChange: () => clock.set(byMs) };
      expect(await waitForTask({ ...ports, steady }, task.id, wait)).toMatchObject({ timedOut: true });
      expect(steady() - beganAt).toBeGreaterThan(290);
    }
  });

  it("lets a job that overstays its own time be given up all the same", async () => {
    await using system = virtualSystem({
      durationMs: () => HOUR_MS,
      limits: { timeoutSeconds: 60 },
      wrap: (state, step) => (ports, input) => {
        if (state === "Watch" && system.visits.Watch === 2) system.clock.set(-HOUR_MS);
        return step(ports, input);
      },
    });
    const startedAtMs = system.clock.steady();
    expect(await system.settled(await system.dispatch())).toMatchObject({ error: { code: "task.timeout" } });
    expect(system.clock.steady() - startedAtMs).toBeLessThan(5 * MINUTE_MS);
    expect(system.backend.sessions.size).toBe(0);
  });
});

describe("one who looks", () => {
  it("leaves the worker alone for a moment after a failure", async () => {
    let calls = 0;
    const seen: unknown[] = [];
    await using system = virtualSystem({
      durationMs: () => HOUR_MS,
      wrap: (state, step) => async (ports, input) => {
        if (state !== "Watch" || calls > 0) return step(ports, input);
        answering(system, async (operation, answer) => {
          if (operation.op !== "poll" || ++calls > 2) return answer();
          throw new RetryableError("worker.connection_lost", "the connection broke");
        });
        for (const pauseMs of [0, 600, 600]) {
          const polled = await poll(ports, input.id, { waitSeconds: 0 });
          seen.push([polled?.status, calls]);
          system.advance(pauseMs);
        }
        return step(ports, input);
      },
    });
    expect(await system.settled(await system.dispatch())).toMatchObject({ status: "succeeded" });
    expect(seen).toEqual([
      ["running", 1],
      [undefined, 1],
      ["running", 2],
    ]);
  });

  it("asks nothing that could arrive after the gate believes it over, also when it cancels first", async () => {
    await using system = virtualSystem({
      durationMs: () => HOUR_MS,
      wrap: (state, step) => async (ports, input) => {
        if (state === "Watch" && system.visits.Watch === 1) {
          await ports.store.change(input.id, (task) => withFields(task, { status: "cancelling" }));
          await poll(ports, input.id, { waitSeconds: 10 });
        }
        return step(ports, input);
      },
    });
    const invoke = system.backend.invoke.bind(system.backend);
    const late: string[] = [];
    const slow: BackendAdapter["invoke"] = async (task, operation, options) => {
      const { session, lease } = (await system.ports.store.get(task.id)) ?? task;
      const overMs = system.ports.now() + options.timeoutMs;
      if (overMs > Math.max(...Object.values(session?.inFlight ?? {}))) late.push(operation.op);
      if (lease && overMs > lease.untilMs) late.push(operation.op);
      if (operation.op === "cancel") system.advance(options.timeoutMs);
      return invoke(task, operation, options);
    };
    system.backend.invoke = slow;
    expect(await system.settled(await system.dispatch())).toMatchObject({ status: "cancelled" });
    expect(late).toEqual([]);
  });

  it("keeps a large result as soon as there is room for it, however late", async () => {
    let refusals = 0;
    await using system = virtualSystem({
      limits: { timeoutSeconds: 60 },
      artifacts: {
        put: async () => {
          if (refusals++ > 0) return { uri: "file:///result.json", sizeBytes: 200_000, sha256: file.sha256 };
          system.advance(HOUR_MS);
          throw new RetryableError("platform.artifacts_unavailable", "the disk is full");
        },
      },
    });
    answering(system, async (operation, answer) => {
      const reply = (await answer()) as PollReply;
      return operation.op === "poll" ? { ...reply, result: "x".repeat(200_000) } : reply;
    });
    const task = await system.settled(await system.dispatch());
    expect(task).toMatchObject({ status: "succeeded", resultRef: { sizeBytes: 200_000 } });
  });
});

describe("a result that is refused for good", () => {
  const refusing = (isRefused: () => boolean) => ({
    put: async () => {
      if (isRefused()) throw new RefusedError("artifact.corrupt", "the bucket takes nothing so long");
      return { uri: "file:///result.json", sizeBytes: 200_000, sha256: file.sha256 };
    },
    uploadTarget: async () => ({ url: "http://127.0.0.1:1/", headers: {} }),
    has: async () => true,
  });
  const sayingMuch = (system: VirtualSystem) =>
    answering(system, async (operation, answer) => {
      const reply = (await leavingAFile(operation, answer)) as PollReply;
      return operation.op === "poll" && reply.status !== "running" ? { ...reply, result: "x".repeat(200_000) } : reply;
    });

  /** What the definition does after a failed look takes a second or more, which the clock of the test would not see. */
  const lookAgain = (state: string, step: Step): Step =>
    state === "Watch" ? (ports, input) => step(ports, input).catch(() => again(60)) : step;

  it("ends the task half an hour later, with that reason and all the rest", async () => {
    await using system = virtualSystem({
      limits: { timeoutSeconds: 27_000 },
      artifacts: refusing(() => true),
      wrap: lookAgain,
    });
    sayingMuch(system);
    const startedAtMs = system.clock.steady();
    const task = await system.settled(await system.dispatch());
    expect(task).toMatchObject({
      status: "failed",
      error: { code: "task.result_lost", message: expect.stringMatching(/ended as succeeded.*takes nothing so long/) },
    });
    expect(await filesOf(system, task)).toMatchObject({ artifacts: [{ name: file.name }] });
    expect(await system.ports.store.readLog(task.id, 0, 1000)).toMatchObject({ data: `running ${task.id}\n` });
    expect(system.clock.steady() - startedAtMs).toBeGreaterThanOrEqual(HOUR_MS / 2);
    expect(system.clock.steady() - startedAtMs).toBeLessThan(HOUR_MS);
    expect(system.backend.sessions.size).toBe(0);
  });

  it("is kept when somebody mends that in time", async () => {
    let refusals = 10;
    await using system = virtualSystem({ artifacts: refusing(() => refusals-- > 0), wrap: lookAgain });
    sayingMuch(system);
    const task = await system.settled(await system.dispatch());
    expect(task).toMatchObject({ status: "succeeded", resultRef: { sizeBytes: 200_000 } });
    expect(task.session).not.toHaveProperty("unkeptSinceMs");
  });

  it.each([
    ["for good", new RefusedError("artifact.corrupt", "the bucket takes nothing so long"), 120_000],
    ["as on a full disk", new RetryableError("platform.artifacts_unavailable", "the disk is full"), 600_000],
  ])("%s holds up no cancel", async (_, error, withinMs) => {
    let cancelledAtMs = 0;
    await using system = virtualSystem({
      limits: { timeoutSeconds: 27_000 },
      artifacts: { put: () => Promise.reject(error), has: async () => true },
      wrap: (state, step) => async (ports, input) => {
        if (state === "Watch" && system.visits.Watch === 3) {
          await cancelTask(ports, input);
          cancelledAtMs = system.clock.steady();
        }
        return lookAgain(state, step)(ports, input);
      },
    });
    sayingMuch(system);
    expect(await system.settled(await system.dispatch())).toMatchObject({ status: "cancelled" });
    expect(system.clock.steady() - cancelledAtMs).toBeLessThan(withinMs);
    expect(system.backend.sessions.size).toBe(0);
  });
});

describe("a step that fails for good", () => {
  it("leaves a running job to those who watch it, also while another is asking", async () => {
    let output: unknown;
    await using system = virtualSystem({
      wrap: (state, step) => async (ports, input) => {
        if (state === "Watch" && system.visits.Watch === 1) {
          const lease = { holder: "another", untilMs: ports.now() + 10_000 };
          await ports.store.change(input.id, (task) => ({ ...task, lease }));
          output = await steps.Fail(ports, { ...input, failure });
          system.advance(15_000);
        }
        return step(ports, input);
      },
    });
    expect(await system.settled(await system.dispatch())).toMatchObject({ status: "succeeded" });
    expect(output).toMatchObject({ again: true });
  });

  it("after the job may have begun lets it be watched, with its deadline, and forgets its environment", async () => {
    const seen: (Task | undefined)[] = [];
    await using system = virtualSystem({
      wrap: (state, step) => async (ports, input) => {
        if (state !== "Start") return step(ports, input);
        await ports.store.change(input.id, (task) => ({ ...task, env: { NAME: "value" } }));
        // The job begins, and the step dies before it can note so.
        const appendEvents = () => Promise.reject(new Error("the step was killed"));
        await step({ ...ports, store: { ...ports.store, appendEvents } }, input).catch(() => {});
        seen.push(await ports.store.get(input.id));
        const output = await steps.Fail(ports, { ...input, failure });
        seen.push(await ports.store.get(input.id));
        return { ...output, again: false };
      },
    });
    const id = await system.dispatch();
    expect(await system.settled(id)).toMatchObject({ status: "succeeded", result: { ran: id } });
    expect(seen).toMatchObject([{ status: "starting" }, { status: "running", deadlineAtMs: expect.any(Number) }]);
    expect(seen[1]).not.toHaveProperty("env");
    const types = (await system.ports.store.listEvents(id, 0, 10)).map(({ type }) => type);
    expect(types).toContain("task.started");
  });

  it("does not begin a job that was cancelled while its worker was greeted", async () => {
    await using system = virtualSystem();
    answering(system, async (operation, answer) => {
      const [open] = await system.ports.store.listDue(Number.MAX_SAFE_INTEGER, 1);
      if (operation.op === "hello") await cancelTask(system.ports, { id: open ?? "" });
      return answer();
    });
    expect(await system.settled(await system.dispatch())).toMatchObject({ status: "cancelled" });
    expect(system.backend.started).toEqual([]);
  });
});

describe("the files of a job that has ended", () => {
  it("arrive although the worker could not be reached for a while, or the store took none", async () => {
    let asked = 0;
    let isThere = false;
    let output: unknown;
    await using system = virtualSystem({
      artifacts: { uploadTarget: async () => ({ url: "http://127.0.0.1:1/", headers: {} }), has: async () => isThere },
      wrap: (state, step) => async (ports, input) => {
        if (state === "Complete" && system.visits.Complete === 1)
          output = await steps.Fail(ports, { ...input, failure });
        return step(ports, input);
      },
    });
    answering(system, async (operation, answer) => {
      if (operation.op !== "upload") return leavingAFile(operation, answer);
      if (++asked < 10) throw new RetryableError("worker.connection_lost", "the connection broke");
      isThere = true;
      return { artifacts: [{ id: file.id, state: "stored" }] };
    });
    const task = await system.settled(await system.dispatch());
    expect(await filesOf(system, task)).toMatchObject({ status: "succeeded", artifacts: [{ name: file.name }] });
    expect(output).toMatchObject({ again: true });
  });

  it("are not asked for once nobody expects that any more, since it would begin another machine, but later", async () => {
    let isThere = false;
    const asked: number[] = [];
    let saidWhere = 0;
    await using system = virtualSystem({
      artifacts: {
        async uploadTarget() {
          // The first takes longer than the note of it lasts: a process that stood still.
          if (++saidWhere === 1) await system.clock.sleep(150_000);
          return { url: "http://127.0.0.1:1/", headers: {} };
        },
        has: async () => isThere,
      },
    });
    answering(system, async (operation, answer) => {
      if (operation.op !== "upload") return leavingAFile(operation, answer);
      asked.push(saidWhere);
      isThere = true;
      return { artifacts: [{ id: file.id, state: "stored" }] };
    });
    const task = await system.settled(await system.dispatch());
    expect(await filesOf(system, task)).toMatchObject({ status: "succeeded", artifacts: [{ name: file.name }] });
    expect(asked).toEqual([2]);
  });

  it("are asked for again after AWS has refused to, and given up half an hour later with that reason", async () => {
    let refusals = 0;
    let isThere = false;
    await using system = virtualSystem({
      artifacts: { uploadTarget: async () => ({ url: "http://127.0.0.1:1/", headers: {} }), has: async () => isThere },
    });
    answering(system, async (operation, answer) => {
      if (operation.op !== "upload") return leavingAFile(operation, answer);
      if (refusals-- > 0) throw new RefusedError("platform.access_denied", "AgentCore denies InvokeAgentRuntime");
      isThere = true;
      return { artifacts: [{ id: file.id, state: "stored" }] };
    });
    refusals = 10;
    const first = await system.settled(await system.dispatch());
    expect(await filesOf(system, first)).toMatchObject({ artifacts: [{ name: file.name }] });
    refusals = Number.POSITIVE_INFINITY;
    isThere = false;
    const task = await system.settled(await system.dispatch());
    expect(await filesOf(system, task)).toMatchObject({
      status: "succeeded",
      lostArtifacts: [{ reason: expect.stringContaining("AgentCore denies InvokeAgentRuntime") }],
    });
    expect(Date.parse(task.phases.succeeded ?? "") - (task.outcome?.atMs ?? 0)).toBeGreaterThan(HOUR_MS / 2);
  });

  it("are given up once it is proven that the worker is gone", async () => {
    await using system = virtualSystem({
      artifacts: { uploadTarget: async () => ({ url: "http://127.0.0.1:1/", headers: {} }) },
      wrap: (state, step) => (ports, input) => {
        if (state === "Complete") for (const id of system.backend.sessions.keys()) system.backend.lose(id, false);
        return step(ports, input);
      },
    });
    answering(system, leavingAFile);
    const task = await system.settled(await system.dispatch());
    const lostArtifacts = [{ reason: expect.stringContaining("the worker was gone") }];
    expect(await filesOf(system, task)).toMatchObject({ status: "succeeded", lostArtifacts });
    expect(system.visits.Complete).toBe(5);
  });

  it("are brought home too when an older version kept them in the task itself", async () => {
    await using system = virtualSystem({
      artifacts: { uploadTarget: async () => ({ url: "http://127.0.0.1:1/", headers: {} }), has: async () => true },
    });
    const old = Array.from({ length: 120 }, (_, i) =>
      describeContent(new Uint8Array(1), { id: `a${i}`, name: `${i}` }),
    );
    const session = { id: "session-gone", state: "open", inFlight: {}, bootId: "1" } as const;
    const outcome = { status: "succeeded", atMs: system.ports.now() } as const;
    const obligations = { session: session.id };
    const task = makeTask({
      status: "completing",
      outcome,
      session,
      obligations,
      dueAtMs: 0,
      artifacts: old,
      result: 1,
    });
    await system.ports.store.create(task);
    await recoverDue(system.ports);
    const settled = await system.settled(task.id);
    expect(settled).toMatchObject({ status: "succeeded", result: 1, artifactCount: 120, artifactsSettled: 120 });
    const files = await Promise.all([0, 50, 100].map((from) => artifactsFrom(system.ports.store, settled, from)));
    expect(new Set(files.flat().map(({ id, state }) => `${id} ${state}`)).size).toBe(120);
    const ended = makeTask({ status: "succeeded", artifacts: old });
    expect(await artifactsFrom(system.ports.store, ended, 100)).toEqual(old.slice(100));
  });

  it("are all that is lost when nobody can bring them home: the outcome stands", async () => {
    await using system = virtualSystem({
      wrap: (state, step) => async (ports, input) => (state === "Complete" ? done : step(ports, input)),
    });
    answering(system, leavingAFile);
    const id = await system.dispatch();
    for (let round = 0; round < 6; round++) {
      await expect.poll(() => system.visits.Cleanup).toBeGreaterThan(round);
      system.advance(HOUR_MS);
      await recoverDue(system.ports);
    }
    const task = await system.settled(id);
    const lostArtifacts = [{ name: file.name, reason: expect.stringContaining("no progress") }];
    expect(await filesOf(system, task)).toMatchObject({ status: "succeeded", lostArtifacts });
  });
});

describe("a slot", () => {
  it("that a writer left behind as it died comes back when somebody waits for one", async () => {
    await using system = virtualSystem({ limits: { maxRunning: 1 } });
    const { store } = system.ports;
    const first = await system.settled(await system.dispatch());
    const entry = { owner: first.owner, taskId: first.id, profile: first.profile, queuedAtMs: 0 };
    expect(await store.takeSlot(entry, { maxRunning: 1, maxRunningPerProfile: 1 })).toBe("taken");
    const id = await system.dispatch();
    expect(await store.get(id)).toMatchObject({ status: "queued" });
    system.advance(120_000);
    await recoverDue(system.ports);
    expect(await system.settled(id)).toMatchObject({ status: "succeeded" });
    expect(await store.listSlots(first.owner)).toEqual({ running: [], byProfile: {} });
  });
});
