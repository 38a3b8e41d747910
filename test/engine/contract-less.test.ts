/** A job on a runtime that knows nothing of the worker contract: one call, which a step makes and holds. */
import { describe, expect, it } from "vitest";
import type { Call } from "../../lib/backends/adapter.ts";
import { OutcomeUnknownError, problem, RefusedError, RetryableError } from "../../lib/contract/errors.ts";
import { inputRequestsOf } from "../../lib/contract/input-requests.ts";
import type { Task } from "../../lib/contract/task.ts";
import { cancelTask } from "../../lib/engine/cancellation.ts";
import { inFlightUntil, withSession } from "../../lib/engine/invocation-gate.ts";
import { poll } from "../../lib/engine/poll/poll.ts";
import { waitForTask } from "../../lib/engine/poll/waiting.ts";
import type { Ports } from "../../lib/engine/ports.ts";
import { recoverDue } from "../../lib/engine/recovery.ts";
import { send } from "../../lib/engine/service/send.ts";
import { steps } from "../../lib/engine/steps/index.ts";
import { brokenOff, contractLessSystem } from "../fixtures/contract-less-system.ts";
import { eventsOfWholeJob } from "../fixtures/whole-job.ts";

type System = ReturnType<typeof contractLessSystem>;
const soon = { timeout: 5000 };

/** Resolves once the call is held. */
const called = (system: System) => expect.poll(() => system.calls.length, soon).toBe(1);
const logOf = async (system: System, id: string) => (await system.ports.store.readLog(id, 0, 1000)).data;
/** Half a minute and more, in steps that let whoever holds the call renew what it has. */
async function pass(system: System, id: string) {
  for (let i = 0; i < 4; i++) {
    const revision = (await system.ports.store.get(id))?.revision ?? 0;
    system.advance(9000);
    await expect.poll(async () => (await system.ports.store.get(id))?.revision, soon).toBeGreaterThan(revision);
  }
}

describe("a call", () => {
  it("is made once, its log is written as it comes, and its answer is the result", async () => {
    const answered = Promise.withResolvers<void>();
    await using system = contractLessSystem({
      answer: async ({ log }) => {
        log("one ", "stdout");
        log("line\n", "stdout");
        await answered.promise;
        log("oops\n", "stderr");
        return { result: { answer: 42 } };
      },
    });
    const id = await system.dispatch("local", { command: "true" });
    const waited = waitForTask(system.ports, id, { timeoutSeconds: 600, until: ({ logLength }) => logLength > 0 });
    expect((await waited).task).toMatchObject({ status: "running", logLength: 9 });
    expect(await logOf(system, id)).toBe("one line\n");
    answered.resolve();
    const task = await system.settled(id);
    expect(task).toMatchObject({
      status: "succeeded",
      result: { answer: 42 },
      obligations: {},
      session: { inFlight: {} },
    });
    expect(task.lease).toBeUndefined();
    expect(await logOf(system, id)).toBe("one line\noops\n");
    expect(system.calls).toMatchObject([{ taskId: id, taskType: "command.run", input: { command: "true" } }]);
    expect(system.asked).toEqual([]);
    const events = await system.ports.store.listEvents(id, 0, 100);
    expect(events.map(({ type }) => type)).toEqual(
      eventsOfWholeJob.flatMap((type) => (type === "task.log" ? [type, type] : type)),
    );
    expect(system.visits).toMatchObject({ SynchronousCall: 1, Watch: 1 });
  });

  it.each([
    ["what it reports", async () => ({ result: 1, error: problem("task.exit_code", "7") })],
    ["what it throws", async () => Promise.reject(new RefusedError("task.exit_code", "7"))],
  ])("that fails ends the task with %s", async (_, answer) => {
    await using system = contractLessSystem({ answer });
    expect(await system.settled(await system.dispatch())).toMatchObject({
      status: "failed",
      error: { code: "task.exit_code", message: "7" },
    });
  });

  it("is broken off by a cancel, and its session stopped before the task is cancelled", async () => {
    await using system = contractLessSystem({ answer: brokenOff });
    const id = await system.dispatch();
    await called(system);
    await cancelTask(system.ports, { id });
    expect(await system.settled(id)).toMatchObject({ status: "cancelled" });
    expect(system.stopped[0]).toBe("cancelling");
    expect(system.asked).toEqual([]);
  });

  it.each([
    ["was cancelled", 0, brokenOff, (system: System, id: string) => cancelTask(system.ports, { id })],
    ["ran out of time", 840_000, brokenOff, async (system: System) => system.advance(840_000)],
    [
      "broke",
      0,
      () => Promise.reject(new RetryableError("worker.lost", "it broke", { cause: new OutcomeUnknownError("reset") })),
      async () => {},
    ],
  ])("that %s may still arrive: its session is stopped again half a minute later", async (_, afterMs, answer, end) => {
    await using system = contractLessSystem({ answer, limits: { timeoutSeconds: 3600 } });
    const id = await system.dispatch();
    await called(system);
    await end(system, id);
    const { status, session } = await system.settled(id);
    const untilMs = (session?.startAttemptedAtMs ?? 0) + afterMs + 30_000;
    expect(session && inFlightUntil(session)).toBe(untilMs);
    expect(system.ports.now()).toBeGreaterThanOrEqual(untilMs);
    expect(system.stopped.filter((stopped) => stopped === status)).toHaveLength(2);
  });

  it.each([
    [600, 840, 600, undefined],
    [3600, 840, 840, expect.stringContaining("840 s")],
  ])("of a job of %d s, where a call is held for %d s, is broken off after %d s", async (limit, held, after, hint) => {
    await using system = contractLessSystem({ answer: brokenOff, maxSeconds: held, limits: { timeoutSeconds: limit } });
    const id = await system.dispatch();
    await called(system);
    const { deadlineAtMs = 0, session } = (await system.ports.store.get(id)) ?? {};
    expect(deadlineAtMs - system.ports.now()).toBe(after * 1000);
    expect(session && inFlightUntil(session)).toBeGreaterThanOrEqual(deadlineAtMs);
    system.advance((after - 1) * 1000);
    await expect
      .poll(async () => (await system.ports.store.get(id))?.lease?.untilMs, soon)
      .toBeGreaterThan(deadlineAtMs);
    expect(await system.ports.store.get(id)).toMatchObject({ status: "running" });
    system.advance(1000);
    const { status, error } = await system.settled(id);
    expect({ status, error }).toEqual({
      status: "failed",
      error: {
        code: "task.timeout",
        message: expect.stringContaining(`${after} s`),
        retryable: false,
        ...(hint && { hint }),
      },
    });
    expect(system.stopped[0]).toBe("running");
  });

  it("is not made for a task that was cancelled on the way to it", async () => {
    await using system = contractLessSystem({
      answer: async () => ({ result: 1 }),
      wrap: (state, step) => async (ports, input) => {
        if (state !== "SynchronousCall") return step(ports, input);
        const appendEvents: Ports["store"]["appendEvents"] = async (events) => {
          if (events.some(({ type }) => type === "task.started")) await cancelTask(ports, input);
          await ports.store.appendEvents(events);
        };
        return step({ ...ports, store: { ...ports.store, appendEvents } }, input);
      },
    });
    expect(await system.settled(await system.dispatch())).toMatchObject({ status: "cancelled" });
    expect(system.calls).toEqual([]);
  });

  it("is lost with a process that is stopped, and says so at once", async () => {
    const closing = new AbortController();
    await using system = contractLessSystem({
      answer: brokenOff,
      wrap: (state, step) => (ports, input) =>
        step(state === "SynchronousCall" ? { ...ports, closing: closing.signal } : ports, input),
    });
    const id = await system.dispatch();
    await called(system);
    closing.abort();
    expect(await system.settled(id)).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
  });
});

describe("a call whose agent asks", () => {
  const asks = async ({ ask, log }: Call) => {
    log("begun\n", "stdout");
    const first = await ask({ question: { message: "which one?" } });
    if (!first) return { result: "half", error: problem("task.agent_needs_input", "nobody answered") };
    log("going on\n", "stdout");
    return { result: { first, second: await ask({ question: { message: "when?" } }) } };
  };
  const until = (system: System, id: string, status: string) =>
    expect.poll(async () => (await system.ports.store.get(id))?.status, soon).toBe(status);
  /** The task, as a caller finds it that answers it. */
  const asking = async (system: System, id: string) => {
    await until(system, id, "input_required");
    return expectTask(await system.ports.store.get(id));
  };
  const expectTask = (task: Task | undefined): Task => {
    if (!task) throw new Error("there is no task");
    return task;
  };
  const wanted = (text: string) => ({ text, timeoutSeconds: 600 });

  it("waits for the answers, and goes on with each", async () => {
    await using system = contractLessSystem({ answer: asks });
    const id = await system.dispatch();
    const first = await asking(system, id);
    expect(first.inputRequests).toEqual(inputRequestsOf({ question: "which one?" }));
    await pass(system, id);
    expect(await system.ports.store.get(id)).toMatchObject({ status: "input_required" });
    expect(await send(system.ports, first, wanted("blue"))).toEqual({
      taskId: id,
      status: "input_required",
      question: "when?",
    });
    const told = await send(system.ports, await asking(system, id), wanted("monday"));
    expect(JSON.parse(told.reply ?? "")).toEqual({ first: { question: "blue" }, second: { question: "monday" } });
    expect(await system.settled(id)).toMatchObject({
      status: "succeeded",
      result: { first: { question: "blue" }, second: { question: "monday" } },
    });
    expect(await logOf(system, id)).toBe("begun\ngoing on\n");
    const events = await system.ports.store.listEvents(id, 0, 100);
    expect(events.filter(({ type }) => type === "task.input_required")).toMatchObject([
      { message: "which one?", payload: inputRequestsOf({ question: "which one?" }) },
      { message: "when?", payload: inputRequestsOf({ "question-2": "when?" }) },
    ]);
    expect(system.calls).toHaveLength(1);
    expect(system.asked).toEqual([]);
  });

  it("takes the first of several answers to a question, and no answer to an earlier one", async () => {
    await using system = contractLessSystem({ answer: asks });
    const id = await system.dispatch();
    const first = await asking(system, id);
    const sent = await Promise.allSettled(["a", "b", "c"].map((text) => send(system.ports, first, wanted(text))));
    expect(sent.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
    const conflict = { code: "input.not_asked" };
    for (const each of sent) if (each.status === "rejected") expect(each.reason).toMatchObject(conflict);
    const second = await asking(system, id);
    await expect(send(system.ports, first, wanted("late"))).rejects.toMatchObject(conflict);
    await send(system.ports, second, wanted("now"));
    const won = ["a", "b", "c"][sent.findIndex(({ status }) => status === "fulfilled")];
    expect(await system.settled(id)).toMatchObject({
      result: { first: { question: won }, second: { question: "now" } },
    });
    await expect(send(system.ports, second, wanted("more"))).rejects.toMatchObject({ code: "task.terminal" });
  });

  it("is broken off by a cancel, and hears no answer any more", async () => {
    await using system = contractLessSystem({ answer: asks });
    const id = await system.dispatch();
    const first = await asking(system, id);
    await cancelTask(system.ports, { id });
    await expect(send(system.ports, first, wanted("late"))).rejects.toMatchObject({ code: "task.terminal" });
    const task = await system.settled(id);
    expect(task).toMatchObject({ status: "cancelled" });
    expect(task.inputRequests).toBeUndefined();
    expect(system.stopped[0]).toBe("cancelling");
  });

  it("ends the job where nobody answers in the time that the limits give", async () => {
    await using system = contractLessSystem({ answer: asks, limits: { answerSeconds: 60 } });
    const id = await system.dispatch();
    const { revision } = await asking(system, id);
    system.advance(59_000);
    await expect.poll(async () => (await system.ports.store.get(id))?.revision, soon).toBeGreaterThan(revision);
    expect(await system.ports.store.get(id)).toMatchObject({ status: "input_required" });
    system.advance(2000);
    const error = { code: "task.input_timeout", message: "nobody answered within 60 s: which one?" };
    expect(await system.settled(id)).toMatchObject({ status: "failed", error });
  });

  it("goes on with the default where they say so", async () => {
    const answer = async ({ ask }: Call) => ({
      result: await ask({ question: { message: "which?", default: "red" } }),
    });
    await using system = contractLessSystem({ answer, limits: { answerSeconds: 60, unanswered: "default" } });
    const id = await system.dispatch();
    await until(system, id, "input_required");
    system.advance(61_000);
    expect(await system.settled(id)).toMatchObject({ status: "succeeded", result: { question: "red" } });
  });

  it.each([
    ["the job's time is over", 600, 600, "task.timeout", undefined],
    ["a call is held no longer", 3600, 840, "task.agent_needs_input", "half"],
  ])("and is not answered until %s ends so", async (_, limit, after, code, result) => {
    await using system = contractLessSystem({ answer: asks, limits: { timeoutSeconds: limit } });
    const id = await system.dispatch();
    const { deadlineAtMs = 0, revision } = await asking(system, id);
    system.advance((after - 1) * 1000);
    await expect.poll(async () => (await system.ports.store.get(id))?.revision, soon).toBeGreaterThan(revision);
    expect(await system.ports.store.get(id)).toMatchObject({ status: "input_required" });
    expect(deadlineAtMs - system.ports.now()).toBe(1000);
    system.advance(1000);
    const task = await system.settled(id);
    expect(task).toMatchObject({ status: "failed", error: { code } });
    expect(task.result).toEqual(result);
  });
});

describe("a call that was never sent", () => {
  it("is made later, also when nobody may look at the task just then", async () => {
    const conflict = { code: "platform.conflict", retryable: true };
    let failures = 0;
    await using system = contractLessSystem({
      answer: async () => ({ result: 1 }),
      wrap: (state, step) => async (ports, input) => {
        if (state !== "SynchronousCall") return step(ports, input);
        if (system.visits.SynchronousCall !== 1) {
          system.advance(1000);
          return step(ports, input);
        }
        const appendEvents = () =>
          Promise.reject(new RetryableError("platform.store_unavailable", `failure ${++failures}`));
        const attempt = step({ ...ports, store: { ...ports.store, appendEvents } }, input);
        await attempt.catch(() => {});
        await expect(step(ports, input)).rejects.toMatchObject(conflict);
        return attempt;
      },
    });
    expect(await system.settled(await system.dispatch())).toMatchObject({ status: "succeeded", result: 1 });
    expect(failures).toBe(1);
    expect(system.calls).toHaveLength(1);
    expect(system.visits).toMatchObject({ SynchronousCall: 2 });
  });
});

describe("a job that somebody attempted before", () => {
  it("is not sent again, and ends as lost", async () => {
    await using system = contractLessSystem({
      answer: async () => ({ result: 1 }),
      wrap: (state, step) => async (ports, input) => {
        if (state === "SynchronousCall")
          await ports.store.change(input.id, (task) => withSession(task, { startAttemptedAtMs: ports.now() }));
        return step(ports, input);
      },
    });
    const task = await system.settled(await system.dispatch());
    expect(task).toMatchObject({
      status: "failed",
      error: { code: "worker.lost" },
      phases: { running: expect.any(String) },
    });
    expect(system.calls).toEqual([]);
  });
});

describe("whoever holds a call", () => {
  it("keeps everybody else from taking the worker for lost, however long it lasts", async () => {
    const answered = Promise.withResolvers<void>();
    await using system = contractLessSystem({
      answer: async () => {
        await answered.promise;
        return { result: "late" };
      },
    });
    const id = await system.dispatch();
    await called(system);
    for (let round = 0; round < 3; round++) {
      await pass(system, id);
      expect(await poll(system.ports, id, { waitSeconds: 0 })).toBeUndefined();
      expect(await recoverDue(system.ports)).toEqual({ recovered: 0, left: 0 });
      expect(await steps.Watch(system.ports, { id, n: 1 })).toMatchObject({ again: true });
      const failure = { Error: "States.Timeout", Cause: "" };
      expect(await steps.Fail(system.ports, { id, n: 1, failure })).toMatchObject({ again: true });
      expect(await steps.SynchronousCall(system.ports, { id, n: 1 })).toMatchObject({ again: false });
    }
    answered.resolve();
    expect(await system.settled(id)).toMatchObject({ status: "succeeded", result: "late" });
    expect(system.calls).toHaveLength(1);
    expect(system.asked).toEqual([]);
  });

  it("stays the holder while what was said takes long to be written", async () => {
    const isWritten = Promise.withResolvers<void>();
    await using system = contractLessSystem({
      answer: async ({ log }) => {
        log("begun\n", "stdout");
        return { result: "whole" };
      },
      wrap: (state, step) => (ports, input) => {
        if (state !== "SynchronousCall") return step(ports, input);
        const appendLog: Ports["store"]["appendLog"] = async (chunks) => {
          await isWritten.promise;
          await ports.store.appendLog(chunks);
        };
        return step({ ...ports, store: { ...ports.store, appendLog } }, input);
      },
    });
    const id = await system.dispatch();
    await called(system);
    await pass(system, id);
    expect(await steps.Watch(system.ports, { id, n: 1 })).toMatchObject({ again: true });
    isWritten.resolve();
    expect(await system.settled(id)).toMatchObject({ status: "succeeded", result: "whole" });
    expect(system.asked).toEqual([]);
  });

  it("is not taken for dead by those who wait, and takes back what Watch took meanwhile", async () => {
    let isDown = false;
    const answered = Promise.withResolvers<void>();
    await using system = contractLessSystem({
      answer: async () => {
        await answered.promise;
        return { result: "late" };
      },
      wrap: (state, step) => (ports, input) => {
        if (state !== "SynchronousCall") return step(ports, input);
        const change: Ports["store"]["change"] = async (...args) => {
          if (isDown) throw new RetryableError("platform.store_unavailable", "the store is down");
          return ports.store.change(...args);
        };
        return step({ ...ports, store: { ...ports.store, change } }, input);
      },
    });
    const id = await system.dispatch();
    await called(system);
    isDown = true;
    system.advance(16_000);
    for (let i = 0; i < 5; i++) {
      expect(await poll(system.ports, id, { waitSeconds: 0 })).toBeUndefined();
      system.advance(1000);
    }
    for (const suspicions of [1, 2]) {
      await steps.Watch(system.ports, { id, n: 1 });
      expect(await system.ports.store.get(id)).toMatchObject({ status: "running", session: { suspicions } });
      system.advance(600);
    }
    isDown = false;
    await expect.poll(async () => (await system.ports.store.get(id))?.session?.suspicions, soon).toBe(0);
    await steps.Watch(system.ports, { id, n: 1 });
    answered.resolve();
    expect(await system.settled(id)).toMatchObject({ status: "succeeded", result: "late", session: { suspicions: 0 } });
    expect(system.asked).toEqual([]);
  });

  it("goes on through trouble of the store, and loses nothing of what was said", async () => {
    let isDown = false;
    let refused = 0;
    const said = Promise.withResolvers<void>();
    await using system = contractLessSystem({
      answer: async ({ log }) => {
        log("before\n", "stdout");
        await said.promise;
        log("meanwhile\n", "stdout");
        return { result: "x".repeat(150_000) };
      },
      artifacts: {
        put: async () => {
          if (refused++ < 2) throw new RetryableError("platform.artifacts_unavailable", "the disk is full");
          return { uri: "file:///result.json", sizeBytes: 150_002, sha256: "0".repeat(64) };
        },
      },
      wrap: (state, step) => (ports, input) => {
        if (state !== "SynchronousCall") return step(ports, input);
        const appendLog: Ports["store"]["appendLog"] = async (chunks) => {
          if (isDown) throw new RetryableError("platform.store_unavailable", "the store is down");
          await ports.store.appendLog(chunks);
        };
        return step({ ...ports, store: { ...ports.store, appendLog } }, input);
      },
    });
    const id = await system.dispatch();
    await expect.poll(() => logOf(system, id), soon).toBe("before\n");
    isDown = true;
    said.resolve();
    await new Promise((resolve) => setTimeout(resolve, 1200));
    isDown = false;
    expect(await system.settled(id)).toMatchObject({ status: "succeeded", resultRef: { sizeBytes: 150_002 } });
    expect(await logOf(system, id)).toBe("before\nmeanwhile\n");
    expect(refused).toBe(3);
  });

  it.each(["before it was answered", "before it was sent", "while its agent asks"])(
    "and dies %s takes the job with it, which is never sent again",
    async (when) => {
      let isDead = false;
      await using system = contractLessSystem({
        answer: async ({ log, ask }) => {
          log("begun\n", "stdout");
          if (when === "while its agent asks") await ask({ question: "which one?" });
          return new Promise<never>(() => {});
        },
        wrap: (state, step) => (ports, input) => {
          if (state !== "SynchronousCall" || system.visits.SynchronousCall !== 1) return step(ports, input);
          // A process that dies writes nothing any more; its execution hears of it as an error.
          const death = Promise.withResolvers<never>();
          const mortal =
            <T extends unknown[], R>(run: (...args: T) => Promise<R>, dies: (...args: T) => boolean) =>
            async (...args: T): Promise<R> => {
              if (isDead || dies(...args)) {
                isDead = true;
                death.reject(new Error("the process was killed"));
                return new Promise<never>(() => {});
              }
              return run(...args);
            };
          const store = {
            ...ports.store,
            change: mortal(ports.store.change, () => false),
            get: mortal(ports.store.get, () => false),
            appendLog: mortal(ports.store.appendLog, () => false),
            appendEvents: mortal(ports.store.appendEvents, () => when === "before it was sent"),
          };
          return Promise.race([death.promise, step({ ...ports, store }, input)]);
        },
      });
      const id = await system.dispatch();
      if (when === "before it was answered") {
        await expect.poll(() => logOf(system, id), soon).toBe("begun\n");
        isDead = true;
      }
      if (when === "while its agent asks") {
        await expect.poll(async () => (await system.ports.store.get(id))?.status, soon).toBe("input_required");
        isDead = true;
      }
      await expect.poll(() => system.visits.Watch ?? 0, soon).toBeGreaterThan(0);
      system.advance(16_000);
      const task = await system.settled(id);
      expect(task).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
      const notSent = when === "before it was sent";
      expect(system.calls).toHaveLength(notSent ? 0 : 1);
      expect(await logOf(system, id)).toBe(notSent ? "" : "begun\n");
      // The last stop came when nothing of the call could arrive any more.
      expect(system.ports.now()).toBeGreaterThanOrEqual(inFlightUntil(task.session ?? { inFlight: {} }));
      expect(system.stopped.filter((status) => status === "failed").length).toBeGreaterThan(1);
    },
  );
});
