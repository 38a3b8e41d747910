import { describe, expect, it } from "vitest";
import { OutcomeUnknownError, RetryableError, WorkerGoneError } from "../../lib/contract/errors.ts";
import { cancelTask } from "../../lib/engine/cancellation.ts";
import { withSession } from "../../lib/engine/invocation-gate.ts";
import { recoverAll, recoverDue } from "../../lib/engine/recovery.ts";
import { awaitReady } from "../../lib/engine/steps/await-ready.ts";
import { fail } from "../../lib/engine/steps/fail.ts";
import { done } from "../../lib/engine/steps/step.ts";
import type { TaskStore } from "../../lib/store/port.ts";
import { makeTask } from "../contract/make-task.ts";
import { answering, virtualSystem } from "../fixtures/virtual-system.ts";
import { eventsOfWholeJob } from "../fixtures/whole-job.ts";
import { idleAdapter, openPorts } from "../mcp/ports.ts";

const HOUR_MS = 3_600_000;
const ALL_STEPS = ["Provision", "AwaitReady", "Start", "Watch", "Complete", "Cleanup"];

describe("the workflow", () => {
  it("brings a job from queued to succeeded, and pays every debt", async () => {
    await using system = virtualSystem();
    const id = await system.dispatch();
    const task = await system.settled(id);
    expect(task).toMatchObject({ status: "succeeded", result: { ran: id }, obligations: {} });
    expect(Object.keys(task.phases)).toEqual([
      "queued",
      "provisioning",
      "starting",
      "running",
      "completing",
      "succeeded",
    ]);
    expect(system.backend.sessions.size).toBe(0);
    const events = await system.ports.store.listEvents(id, 0, 100);
    expect(events.map(({ type }) => type)).toEqual(eventsOfWholeJob);
  });

  it("gives the first hello a minute, in which a machine and its container start", async () => {
    await using system = virtualSystem();
    const allowed: Record<string, number> = {};
    const invoke = system.backend.invoke.bind(system.backend);
    system.backend.invoke = (task, operation, options) => {
      allowed[operation.op] ??= options.timeoutMs;
      return invoke(task, operation, options);
    };
    await system.settled(await system.dispatch());
    expect(allowed).toMatchObject({ hello: 60_000, start: 20_000 });
  });

  it("says hello to no worker of a session that has ended meanwhile, however late", async () => {
    const over = Promise.withResolvers<void>();
    let late: Promise<unknown> | undefined;
    await using system = virtualSystem({
      wrap: (state, step) => (ports, input) => {
        const change: TaskStore["change"] = async (...args) => {
          await over.promise;
          return ports.store.change(...args);
        };
        // A second call of the same function, which stands still from its first write on.
        if (state === "Start") late ??= step({ ...ports, store: { ...ports.store, change } }, input);
        return step(ports, input);
      },
    });
    const sent: string[] = [];
    const invoke = system.backend.invoke.bind(system.backend);
    system.backend.invoke = (task, operation, options) => {
      sent.push(operation.op);
      return invoke(task, operation, options);
    };
    const id = await system.dispatch();
    expect(await system.settled(id)).toMatchObject({ status: "succeeded" });
    expect(late).toBeDefined();
    const before = [...sent];
    over.resolve();
    await Promise.allSettled([late]);
    expect(before).toContain("hello");
    expect(sent).toEqual(before);
  });

  it("watches a job of seven and a half hours within the history of one execution", async () => {
    await using system = virtualSystem({ durationMs: () => 7.4 * HOUR_MS, limits: { timeoutSeconds: 27_000 } });
    const task = await system.settled(await system.dispatch());
    expect(task.status).toBe("succeeded");
    // A task state is five events, a pause and a choice two each; the rest of the definition is passed once.
    const history = (system.visits.Watch ?? 0) * 9 + 60;
    expect(system.visits.Watch).toBeGreaterThan(100);
    expect(history).toBeLessThan(20_000);
  });

  it.each(ALL_STEPS)("survives %s dying after its effect and before its answer", async (dying) => {
    let deaths = 0;
    await using system = virtualSystem({
      wrap: (state, step) => async (ports, input) => {
        const output = await step(ports, input);
        if (state === dying && deaths++ === 0) throw new Error("the step was killed");
        return output;
      },
    });
    const id = await system.dispatch();
    const task = await system.settled(id);
    await expect.poll(() => deaths).toBeGreaterThan(0);
    expect(task).toMatchObject({ status: "succeeded", result: { ran: id } });
    expect(system.backend.started).toEqual([id]);
    expect(system.backend.sessions.size).toBe(0);
    expect(await system.ports.store.readLog(id, 0, 1000)).toMatchObject({ data: `running ${id}\n` });
  });

  it("never runs a job twice when the machine is replaced after the start", async () => {
    await using system = virtualSystem({
      cloudLike: true,
      durationMs: () => HOUR_MS,
      wrap: (state, step) => async (ports, input) => {
        const output = await step(ports, input);
        if (state === "Start" && system.visits.Start === 1) {
          for (const session of [...system.backend.sessions.keys()]) system.backend.lose(session, true);
          throw new Error("the step was killed");
        }
        return output;
      },
    });
    const id = await system.dispatch();
    const task = await system.settled(id);
    expect(task).toMatchObject({ status: "failed", error: { code: "worker.replaced", retryable: true } });
    expect(system.backend.started).toEqual([id]);
  });

  describe.each([
    ["a machine that comes back when it is invoked", true],
    ["a worker that somebody has to make", false],
  ])("on %s", (_, cloudLike) => {
    it.each(["hello", "start"])("takes another when the first is lost before its %s", async (lostBefore) => {
      await using system = virtualSystem({ cloudLike });
      let losses = 0;
      answering(system, (operation, answer) => {
        if (operation.op === lostBefore && losses++ === 0)
          for (const session of [...system.backend.sessions.keys()]) system.backend.lose(session, cloudLike);
        return answer();
      });
      const id = await system.dispatch();
      expect(await system.settled(id)).toMatchObject({ status: "succeeded", result: { ran: id } });
      expect(system.backend.started).toEqual([id]);
    });

    it("does not run a job again whose start may have reached a worker that is gone now", async () => {
      await using system = virtualSystem({ cloudLike });
      let starts = 0;
      answering(system, async (operation, answer) => {
        const reply = await answer();
        if (operation.op !== "start" || starts++ > 0) return reply;
        for (const session of [...system.backend.sessions.keys()]) system.backend.lose(session, cloudLike);
        throw new OutcomeUnknownError("no answer");
      });
      const id = await system.dispatch();
      const code = cloudLike ? "worker.replaced" : "worker.lost";
      expect(await system.settled(id)).toMatchObject({ status: "failed", error: { code } });
      expect(system.backend.started).toEqual([id]);
    });
  });

  it.each(["first", "second"])(
    "runs a job once of two overlapping starts, when the %s was lost on the way",
    async (late) => {
      const lateEntered = Promise.withResolvers<void>();
      const accepted = Promise.withResolvers<void>();
      let starts = 0;
      await using system = virtualSystem({
        cloudLike: true,
        wrap: (state, step) => async (ports, input) => {
          if (state !== "Start") return step(ports, input);
          // Both have read the task before either notes its attempt.
          const known = await ports.store.get(input.id);
          const worker = system.backend.sessions.get(known?.session?.id ?? "");
          await ports.store.change(input.id, (task) => withSession(task, { bootId: worker?.bootId ?? "" }));
          const change: TaskStore["change"] = async (...call) => {
            if (late === "second") await accepted.promise;
            return ports.store.change(...call);
          };
          const overtaken = step({ ...ports, store: { ...ports.store, change } }, input).catch(
            (error: unknown) => error,
          );
          if (late === "first") await lateEntered.promise;
          // Its worker accepts the job, and it dies before it can note so.
          const appendEvents = () => Promise.reject(new Error("the step was killed"));
          await step({ ...ports, store: { ...ports.store, appendEvents } }, input).catch(() => {});
          system.backend.lose(known?.session?.id ?? "", true);
          accepted.resolve();
          const output = await overtaken;
          if (output instanceof Error) throw output;
          return done;
        },
      });
      answering(system, async (operation, answer) => {
        if (operation.op === "start" && starts++ === 0 && late === "first") {
          lateEntered.resolve();
          await accepted.promise;
        }
        return answer();
      });
      const id = await system.dispatch();
      expect(await system.settled(id)).toMatchObject({ status: "failed", error: { code: "worker.replaced" } });
      expect(system.backend.started).toEqual([id]);
    },
  );

  it("says why a job that the platform never let through to its worker did not start", async () => {
    await using system = virtualSystem({ cloudLike: true });
    answering(system, (operation, answer) => {
      if (operation.op === "start") throw new RetryableError("platform.quota_exceeded", "no machine is left");
      return answer();
    });
    const id = await system.dispatch();
    expect(await system.settled(id)).toMatchObject({ status: "failed", error: { code: "platform.quota_exceeded" } });
    expect(system.backend.started).toEqual([]);
  });

  it("gives up when worker after worker is lost before the job, with the last one's words", async () => {
    await using system = virtualSystem();
    let renewals = 0;
    Object.assign(system.backend, {
      async renew() {
        throw new RetryableError("worker.did_not_start", `it said ${++renewals}`, { hint: "mend it" });
      },
    });
    answering(system, () => Promise.reject(new WorkerGoneError("nobody listens")));
    expect(await system.settled(await system.dispatch())).toMatchObject({
      status: "failed",
      error: { code: "worker.start_failed", message: expect.stringMatching(/it said 4$/), hint: "mend it" },
    });
    expect(system.backend.sessions.size).toBe(0);
  });

  it("takes no other worker in place of one that closing lets go", async () => {
    const ports = openPorts({
      backends: {
        "local-process": idleAdapter({
          awaitReady: () => Promise.reject(new OutcomeUnknownError("the system closes")),
          renew: () => Promise.reject(new OutcomeUnknownError("the system closes")),
        }),
      },
    });
    const task = makeTask({
      status: "provisioning",
      obligations: { session: "s" },
      session: { id: "s", state: "open", inFlight: {} },
    });
    await ports.store.create(task);
    const step = awaitReady({ ...ports, closing: AbortSignal.abort() }, { id: task.id, n: task.executionNumber });
    await expect(step).rejects.toMatchObject({ code: "worker.outcome_unknown" });
    expect(await ports.store.get(task.id)).toEqual(task);
  });

  it("fails a job as lost after three proofs, and keeps its log", async () => {
    await using system = virtualSystem({
      durationMs: () => HOUR_MS,
      wrap: (state, step) => async (ports, input) => {
        if (state === "Watch" && system.visits.Watch === 3) {
          for (const session of [...system.backend.sessions.keys()]) system.backend.lose(session, false);
        }
        return step(ports, input);
      },
    });
    const id = await system.dispatch();
    const task = await system.settled(id);
    expect(task).toMatchObject({ status: "failed", error: { code: "worker.lost" } });
    expect(system.visits.Watch).toBe(5);
    expect((await system.ports.store.readLog(id, 0, 1000)).data).toBe(`running ${id}\n`);
  });

  it.each(ALL_STEPS.slice(0, 4))("cancels a task before %s", async (state) => {
    await using system = virtualSystem({
      durationMs: () => HOUR_MS,
      wrap: (name, step) => async (ports, input) => {
        if (name === state && system.visits[name] === 1) await cancelTask(ports, input);
        return step(ports, input);
      },
    });
    const task = await system.settled(await system.dispatch());
    expect(task.status).toBe("cancelled");
    expect(system.backend.sessions.size).toBe(0);
    expect(system.backend.started.length).toBe(state === "Watch" ? 1 : 0);
    expect(await system.ports.store.listEvents(task.id, 0, 1)).toMatchObject([{ type: "task.created" }]);
  });

  it.each([
    [1, "failed"],
    [2, "running"],
  ])(
    "takes a refusal of the last of %d attempts to start a job for what it says alone: it is %s",
    async (startAttempts, status) => {
      const adapter = idleAdapter();
      const ports = openPorts({ backends: { [adapter.name]: adapter } });
      const task = makeTask({
        status: "starting",
        session: { id: "s", state: "open", inFlight: {}, sent: 2, bootId: "b", startAttemptedAtMs: 1, startAttempts },
      });
      await ports.store.create(task);
      const error = { code: "platform.invalid_request", message: "no", retryable: false };
      const failure = { Error: "x", Cause: JSON.stringify({ errorMessage: JSON.stringify(error) }) };
      await fail(ports, { id: task.id, n: task.executionNumber, failure });
      expect(await ports.store.get(task.id)).toMatchObject({ status });
    },
  );

  it("does nothing in a step of an older execution", async () => {
    const stale: string[] = [];
    await using system = virtualSystem({
      wrap: (state, step) => async (ports, input) => {
        if (state === "Provision") await ports.store.change(input.id, (task) => ({ ...task, executionNumber: 2 }));
        else stale.push(state);
        return step(ports, input);
      },
    });
    const id = await system.dispatch();
    await expect.poll(() => stale.includes("Cleanup")).toBe(true);
    expect(await system.ports.store.get(id)).toMatchObject({
      status: "provisioning",
      executionNumber: 2,
      obligations: { slot: "local" },
    });
    expect(system.backend.sessions.size).toBe(0);
  });

  it("gives a task up that makes no progress in five executions, and still cleans up", async () => {
    await using system = virtualSystem({
      wrap: (state, step) => async (ports, input) => (state === "Cleanup" ? step(ports, input) : done),
    });
    const id = await system.dispatch();
    for (let round = 0; round < 6; round++) {
      system.advance(HOUR_MS);
      await recoverDue(system.ports);
      await expect.poll(() => system.visits.Cleanup).toBeGreaterThan(round);
    }
    expect(await system.settled(id)).toMatchObject({ status: "failed", error: { code: "platform.stuck" } });
  });

  it("does not give a task up for restarts, before which no execution had its chance", async () => {
    await using system = virtualSystem({
      wrap: (state, step) => async (ports, input) => (state === "Cleanup" ? step(ports, input) : done),
    });
    const id = await system.dispatch();
    for (let round = 0; round < 20; round++) {
      await expect.poll(() => system.visits.Cleanup).toBeGreaterThan(round);
      expect(await recoverAll(system.ports, [id], { hadChance: false })).toBe(1);
    }
    expect(await system.ports.store.get(id)).toMatchObject({ status: "provisioning" });
  });
});
