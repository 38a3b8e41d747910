import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { readSessionConfig } from "../../worker/config.ts";
import { Job } from "../../worker/job.ts";
import { pollReply } from "../../worker/poll.ts";
import { PipePool } from "../../worker/processes/pipes.ts";
import type { Runner } from "../../worker/runner.ts";
import { Session } from "../../worker/sessions/session.ts";
import { newTaskId } from "./start-worker.ts";

const setup = () => ({ config: readSessionConfig({}), pipes: new PipePool(1) });

const start = (runner: Runner) =>
  new Job({
    ...setup(),
    runner,
    task: {
      taskId: newTaskId(),
      taskType: "agent.run",
      input: {},
      limits: { timeoutSeconds: 60, graceSeconds: 1 },
      depth: 0,
    },
  });

test.each<[string, Runner]>([
  ["throws", () => Promise.reject(new Error("secret detail"))],
  [
    "throws at once",
    () => {
      throw new TypeError("secret detail");
    },
  ],
])("a runner that %s fails its task and nothing else", async (_name, runner) => {
  const job = start(runner);
  await job.done;
  await job.dispose();
  expect(job.status).toBe("failed");
  expect(job.outcome.error).toMatchObject({ code: "worker.internal" });
  expect(JSON.stringify(job.outcome)).not.toContain("secret detail");
});

test("an error that nothing caught fails the task, though its runner never ends", async () => {
  const job = start(() => new Promise(() => {}));
  job.crash(new Error("thrown in a timer"));
  await job.done;
  await job.dispose();
  expect(job.status).toBe("failed");
  expect(job.outcome.error).toMatchObject({ code: "worker.internal" });
});

test("a poll that waited tells what comes right after the first news with it", async () => {
  const asked = Promise.withResolvers<void>();
  const job = start(async ({ emit }) => {
    await asked.promise;
    emit({ type: "agent.message", message: "first" });
    await nextTurn();
    emit({ type: "agent.message", message: "second" });
    return {};
  });
  const session = new Session({ ...setup(), uncollectedSeconds: 1 });
  const poll = { after: 0, waitSeconds: 10, maxBytes: 1024 ** 2 };
  const reply = pollReply(session, job, poll, new AbortController().signal);
  asked.resolve();
  expect((await reply).events.map(({ message }) => message)).toEqual(["first", "second"]);
  await job.done;
  await job.dispose();
});
