import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { acceptedReplySchema } from "../../lib/contract/worker.ts";
import { fixture, processesWith, startWorker, temporaryFolder, until } from "./start-worker.ts";

const ignoring = { taskType: "command.run", input: { command: `sh ${fixture("ignore-term.sh")}` } };

/** Tests of this file run beside others that use the same task id; each marks its processes by a session of its own. */
const session = () => {
  const marker = `stop-${process.pid}-${Math.random()}`;
  return {
    env: { [environmentVariables.sessionMarker]: marker },
    jobs: (pid: number | undefined) =>
      processesWith(`${environmentVariables.sessionMarker}=${marker}`).filter((each) => each !== pid),
  };
};

describe("cancel", () => {
  test.concurrent("kills what ignores SIGTERM after the grace, wherever it went", async () => {
    const { env, jobs } = session();
    await using worker = await startWorker(env);
    await worker.start(ignoring);
    await worker.poll(0);
    await until(() => jobs(worker.process.pid).length >= 3);
    expect(
      acceptedReplySchema.parse(await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 0.2 })),
    ).toEqual({
      accepted: true,
      status: "running",
    });
    const { reply, text } = await worker.finish();
    expect(reply).toMatchObject({
      status: "cancelled",
      result: { signal: "SIGKILL", cancelled: true, timedOut: false },
    });
    expect(reply.error).toBeUndefined();
    expect(text()).toBe("ready\n");
    expect(jobs(worker.process.pid)).toEqual([]);
  });

  test.concurrent("lets a program end by itself within the grace, and keeps its result", async () => {
    await using worker = await startWorker();
    const command = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    await worker.start({ taskType: "command.run", input: { command, shell: true } });
    await worker.poll(0);
    await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 30 });
    const { reply, text } = await worker.finish();
    expect(reply).toMatchObject({ status: "cancelled", result: { exitCode: 0, cancelled: true } });
    expect(text()).toContain("bye");
    expect(await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 1 })).toEqual({
      accepted: false,
      status: "cancelled",
    });
  });

  test.concurrent("asked again with less grace, ends sooner", async () => {
    await using worker = await startWorker();
    await worker.start(ignoring);
    await worker.poll(0);
    await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 300 });
    await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 0 });
    expect((await worker.finish()).reply.status).toBe("cancelled");
  });

  test.concurrent("at the same moment as the start, is not lost", async () => {
    await using worker = await startWorker();
    await worker.hello();
    const [started] = await Promise.all([
      worker.start({ taskType: "command.run", input: { command: "sleep 60" } }),
      worker.call("cancel", { taskId: worker.taskId, graceSeconds: 0 }),
    ]);
    expect(started).toMatchObject({ accepted: true });
    await worker.call("cancel", { taskId: worker.taskId, graceSeconds: 0 });
    expect((await worker.finish()).reply.status).toBe("cancelled");
  });
});

describe("a task's time", () => {
  test.concurrent.each([
    ["the task's limit", { limits: { timeoutSeconds: 0.3, graceSeconds: 0.1 } }, {}],
    ["the call's timeout", { limits: { graceSeconds: 0.1 } }, { timeoutSeconds: 0.3 }],
  ])("ends it by %s, though nobody asks", async (_name, fields, input) => {
    const { env, jobs } = session();
    await using worker = await startWorker(env);
    await worker.start({ taskType: "command.run", input: { command: "sleep 60", ...input }, ...fields });
    await until(() => jobs(worker.process.pid).length > 0);
    await until(() => jobs(worker.process.pid).length === 0);
    const { reply } = await worker.finish();
    expect(reply).toMatchObject({
      status: "failed",
      error: { code: "task.timeout" },
      result: { exitCode: null, signal: "SIGTERM", timedOut: true },
    });
  });

  test.concurrent("ends an agent too", async () => {
    await using worker = await startWorker({ AGENTDISPATCH_FRAMEWORK_COMMAND_SLOW: "sleep 60" });
    const { reply } = await worker.agent({ instruction: "x", framework: "slow", timeoutSeconds: 0.3 });
    expect(reply).toMatchObject({ status: "failed", error: { code: "task.timeout" } });
  });
});

test.concurrent("what a task leaves running is killed, and does not hold it open", async () => {
  const { env, jobs } = session();
  await using worker = await startWorker(env);
  const startedAt = performance.now();
  const { reply, text } = await worker.run({
    command: "sleep 60 & setsid sleep 60 & (setsid sh -c 'sleep 60; :' &) ; echo done",
    shell: true,
  });
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect([reply.status, text()]).toEqual(["succeeded", "done\n"]);
  expect(jobs(worker.process.pid)).toEqual([]);
});

describe("a worker", () => {
  test.concurrent("told to end takes its task and its files along", async () => {
    const { env, jobs } = session();
    const temporary = temporaryFolder();
    await using worker = await startWorker({ ...env, TMPDIR: temporary });
    await worker.start(ignoring);
    await worker.poll(0);
    worker.process.kill("SIGTERM");
    expect(await worker.exited()).toBe(0);
    expect(jobs(undefined)).toEqual([]);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test.concurrent("that nobody uses ends by itself", async () => {
    await using worker = await startWorker({ [environmentVariables.workerIdleSeconds]: "1" });
    await worker.hello();
    expect(await worker.exited()).toBe(0);
    expect(worker.stderr()).toContain("idle");
  });

  test.concurrent("stays while its task runs, and no longer", async () => {
    const finished = join(temporaryFolder(), "file");
    await using worker = await startWorker({
      [environmentVariables.workerIdleSeconds]: "5",
      [environmentVariables.workerUncollectedSeconds]: "0",
    });
    const command = `sleep 6; touch ${finished}; sleep 60`;
    await worker.start({ taskType: "command.run", input: { command, shell: true }, limits: { timeoutSeconds: 8 } });
    expect(await worker.exited()).toBe(0);
    expect(existsSync(finished)).toBe(true);
  });

  // Long enough to be given a task before, also on a busy machine.
  test.concurrent.each([
    ["nobody has collected its task", environmentVariables.workerIdleSeconds, 5, "idle"],
    ["it is too old", environmentVariables.workerMaxSeconds, 5, "too old"],
  ])("stays as long as it says that it is busy, although %s", async (_name, setting, seconds, reason) => {
    const uncollected = seconds + 2;
    await using worker = await startWorker({
      [setting]: String(seconds),
      [environmentVariables.workerUncollectedSeconds]: String(uncollected),
    });
    await worker.start({ taskType: "command.run", input: { command: "true" } });
    const seen = new Set<string>();
    // Until nobody answers any more.
    for (let status: string | undefined = ""; status !== undefined; ) {
      seen.add(status);
      status = await worker.ping().then(
        (reply) => reply.status,
        () => undefined,
      );
    }
    expect(await worker.exited()).toBe(0);
    expect(worker.stderr()).toMatch(
      new RegExp(`nobody collected the task within ${uncollected} s\\n.*ends: ${reason}`),
    );
    expect([...seen]).toContain("HealthyBusy");
  });

  test.concurrent("writes its address for its owner alone", async () => {
    await using worker = await startWorker();
    const file = join(worker.folder, "address.json");
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ pid: worker.process.pid, port: worker.port });
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});
