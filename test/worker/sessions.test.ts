/** A worker that serves many sessions, through its socket. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { WorkerClient } from "../../lib/backends/local-process/worker-client.ts";
import { nodeOptions } from "../../lib/backends/local-process/worker-process.ts";
import { WorkerGoneError } from "../../lib/contract/errors.ts";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { CONTRACT, type Operation, type PollReply, pollReplySchema } from "../../lib/contract/worker.ts";
import { SESSION_HEADER } from "../../lib/contract/worker-sessions.ts";
import { readConfig } from "../../worker/config.ts";
import { findMarked } from "../../worker/processes/processes.ts";
import { Worker } from "../../worker/worker.ts";
import { newTaskId, textOf, until } from "./start-worker.ts";

const main = join(import.meta.dirname, "../../worker/main.ts");
const limits = { timeoutSeconds: 60, graceSeconds: 1 };
const soon = () => AbortSignal.timeout(20_000);

type SharedWorker = { client: WorkerClient; process: ChildProcess; folder: string; said: () => string };

async function startShared(env: Record<string, string> = {}): Promise<SharedWorker> {
  const folder = mkdtempSync(join(tmpdir(), "agentdispatch-test-"));
  const socket = join(folder, "worker.sock");
  const said: string[] = [];
  const child = spawn(process.execPath, [...nodeOptions, main], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      PATH: process.env.PATH,
      TMPDIR: folder,
      NODE_COMPILE_CACHE: join(tmpdir(), "agentdispatch-test-compile-cache"),
      [environmentVariables.workerSocket]: socket,
      ...env,
    },
  });
  child.stderr.on("data", (chunk) => said.push(String(chunk)));
  const client = new WorkerClient(socket);
  onTestFinished(async () => {
    client.close();
    if (child.exitCode === null && child.kill("SIGTERM")) await once(child, "exit");
    rmSync(folder, { recursive: true, force: true });
  });
  await until(() => client.isListening(), 20_000);
  return { client, process: child, folder, said: () => said.join("") };
}

/** A session with folders of its own, as the control plane opens it; `job` runs in it. */
async function openSession({ client, folder }: SharedWorker, environment: Record<string, string> = {}) {
  const id = `session-${newTaskId().slice(5)}`;
  const taskId = newTaskId();
  const own = join(folder, id);
  mkdirSync(own);
  const bootId = await client.open(
    id,
    {
      PATH: process.env.PATH ?? "",
      TMPDIR: own,
      [environmentVariables.workspace]: join(own, "workspace"),
      [environmentVariables.artifactsDir]: join(own, "artifacts"),
      [environmentVariables.sessionMarker]: id,
      ...environment,
    },
    soon(),
  );
  const call = (fields: object) =>
    client.call(id, { contract: CONTRACT, bootId, taskId, ...fields } as Operation, soon());
  const run = (input: object) => call({ op: "start", taskType: "command.run", input, limits, depth: 0 });
  const start = (command: string) => run({ command, shell: true });
  const poll = async (after: number): Promise<PollReply> =>
    pollReplySchema.parse(await call({ op: "poll", after, waitSeconds: 10 }));
  async function finish() {
    const events: PollReply["events"] = [];
    for (let after = 0; ; ) {
      const reply = await poll(after);
      events.push(...reply.events);
      after = reply.next;
      if (reply.artifacts) return { reply, text: textOf(events) };
    }
  }
  async function printed(text: string): Promise<void> {
    let all = "";
    for (let after = 0; !all.includes(text); ) {
      const reply = await poll(after);
      all += textOf(reply.events);
      after = reply.next;
    }
  }
  const processes = () => findMarked(environmentVariables.sessionMarker, id);
  return { id, taskId, bootId, call, run, start, finish, printed, processes, end: () => client.end(id, soon()) };
}

test("sessions of one process know nothing of each other", async () => {
  const worker = await startShared({ SECRET_OF_THE_WORKER: "x" });
  const sessions = await Promise.all(Array.from({ length: 12 }, (_, i) => openSession(worker, { OWN: `number-${i}` })));
  expect(new Set(sessions.map(({ bootId }) => bootId)).size).toBe(12);
  await Promise.all(sessions.map(({ start }) => start("env; pwd; echo left > $AGENTDISPATCH_ARTIFACTS_DIR/left.txt")));
  for (const [index, { id, finish }] of sessions.entries()) {
    const { reply, text } = await finish();
    expect(reply).toMatchObject({ status: "succeeded", artifacts: [{ name: "left.txt" }] });
    expect(text).toContain(`OWN=number-${index}\n`);
    expect(text.match(/^OWN=.*$/gm)).toHaveLength(1);
    expect(text).not.toContain("SECRET_OF_THE_WORKER");
    expect(text).toContain(join(worker.folder, id, "workspace"));
  }
  const [one, other] = sessions as [(typeof sessions)[0], (typeof sessions)[0]];
  expect(await one.call({ op: "poll", after: 0, taskId: other.taskId })).toMatchObject({
    error: { code: "worker.unknown_task" },
  });
  expect(await one.call({ op: "poll", after: 0, bootId: other.bootId })).toMatchObject({
    error: { code: "worker.replaced" },
  });
});

test("a session that is opened again stays as it is; one that nobody opened, or that has ended, is gone", async () => {
  const worker = await startShared();
  const { id, bootId, start, finish, end } = await openSession(worker, { OWN: "first" });
  expect(await worker.client.open(id, { OWN: "second" }, soon())).toBe(bootId);
  await start("echo $OWN");
  expect((await finish()).text).toBe("first\n");
  await end();
  await expect(start("true")).rejects.toThrow(WorkerGoneError);
  await expect(worker.client.call("never-opened", { contract: CONTRACT, op: "hello" }, soon())).rejects.toThrow(
    WorkerGoneError,
  );
  await expect(worker.client.end("never-opened", soon())).resolves.toBeUndefined();
  expect(readdirSync(join(worker.folder, id)).filter((name) => name.startsWith("agentdispatch-"))).toEqual([]);
});

test("a job that arrives whole only after the end of its session does not start", async () => {
  const worker = await startShared();
  const { id, bootId, taskId, processes, end } = await openSession(worker);
  const ran = join(worker.folder, "ran");
  const input = { command: `touch ${ran}; sleep 600`, shell: true };
  const late = request({
    socketPath: join(worker.folder, "worker.sock"),
    method: "POST",
    path: "/invocations",
    headers: { [SESSION_HEADER]: id, expect: "100-continue" },
  });
  late.flushHeaders();
  // The worker knows by now whose request it is.
  await once(late, "continue");
  await end();
  late.end(
    JSON.stringify({
      contract: CONTRACT,
      op: "start",
      bootId,
      taskId,
      taskType: "command.run",
      input,
      limits,
      depth: 0,
    }),
  );
  const [response] = await once(late, "response");
  expect(await json(response)).toMatchObject({ error: { code: "worker.unknown_session", retryable: true } });
  await end();
  expect(await processes()).toEqual([]);
  expect(existsSync(ran)).toBe(false);
});

test("an environment that no job could have is refused, and the others go on", async () => {
  const worker = await startShared();
  const other = await openSession(worker);
  await other.start("sleep 1; echo done");
  await expect(openSession(worker, { [environmentVariables.frameworkCommands]: "{" })).rejects.toMatchObject({
    code: "worker.start_failed",
    message: expect.stringContaining(environmentVariables.frameworkCommands),
  });
  const faulty = await openSession(worker, { TMPDIR: "/dev/null" });
  await faulty.start("true");
  expect((await faulty.finish()).reply).toMatchObject({ status: "failed", error: { code: "worker.storage" } });
  expect(await other.finish()).toMatchObject({ reply: { status: "succeeded" }, text: "done\n" });
});

test("the end of a session ends all that it started, hidden or not, and nothing of another", async () => {
  const worker = await startShared();
  const [one, other] = [await openSession(worker), await openSession(worker)];
  const command = "(setsid env -i sh -c 'sleep 600; :' &) ; (trap '' TERM; sleep 600) & echo up; sleep 600";
  for (const { start, printed } of [one, other]) {
    await start(command);
    await printed("up");
  }
  await until(async () => (await one.processes()).length >= 5 && (await other.processes()).length >= 5);
  const others = await other.processes();
  // Whoever asks meanwhile waits for the same end.
  await Promise.race([one.end(), one.end()]);
  expect(await one.processes()).toEqual([]);
  expect(await other.processes()).toEqual(others);
  await other.end();
  expect(await other.processes()).toEqual([]);
});

test("a program that cannot be started says why, also where only its interpreter is missing", async () => {
  const worker = await startShared();
  const workspace = join(worker.folder, "programs");
  mkdirSync(workspace);
  writeFileSync(join(workspace, "no-interpreter"), "#!/no/such\n", { mode: 0o755 });
  const failing: [string, string][] = [
    ["no-such-program", "task.command_not_found"],
    ["/etc/passwd", "task.command_not_executable"],
    ["./no-interpreter", "task.command_not_found"],
  ];
  for (const [command, code] of failing) {
    const { run, finish } = await openSession(worker, { [environmentVariables.workspace]: workspace });
    await run({ command });
    expect((await finish()).reply).toMatchObject({ status: "failed", error: { code } });
  }
});

test("an error that nothing caught ends the task of its own session", async () => {
  const worker = new Worker(readConfig({ [environmentVariables.workerSocket]: "unused" }), {});
  onTestFinished(() => worker.close(0));
  const environment = { PATH: process.env.PATH ?? "" };
  const [one, other] = [worker.open("session-one", environment), worker.open("session-other", environment)];
  const start = (session: typeof one) =>
    session.start({
      taskId: newTaskId(),
      taskType: "command.run",
      input: { command: "sleep 600" },
      limits,
      depth: 0,
    });
  const [faulty, healthy] = [worker.within(one, () => start(one)), worker.within(other, () => start(other))];
  worker.within(one, () => worker.crash(new Error("thrown in a timer")));
  await faulty.done;
  expect(faulty.outcome.error).toMatchObject({ code: "worker.internal" });
  expect(healthy.hasEnded).toBe(false);
  worker.crash(new Error("of nobody"));
  expect(healthy.hasEnded).toBe(false);
});

test("sessions that nobody uses end, and then the worker, but not while a job runs", async () => {
  const worker = await startShared({
    [environmentVariables.workerIdleSeconds]: "1",
    [environmentVariables.workerUncollectedSeconds]: "0",
  });
  const idle = await openSession(worker);
  const busy = await openSession(worker);
  await busy.start("sleep 3; echo done");
  await until(() => worker.said().includes(`the session ${idle.id} ends: idle`), 20_000);
  expect(await busy.finish()).toMatchObject({ reply: { status: "succeeded" }, text: "done\n" });
  if (worker.process.exitCode === null) await once(worker.process, "exit");
  expect(worker.process.exitCode).toBe(0);
  expect(existsSync(join(worker.folder, idle.id))).toBe(true);
});

test("what sessions print and nobody collects takes a bounded room each", async () => {
  const worker = await startShared();
  const residentMb = () =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${worker.process.pid}/status`, "utf8"))?.[1]) / 1024;
  const before = residentMb();
  const sessions = await Promise.all(Array.from({ length: 4 }, () => openSession(worker)));
  await Promise.all(sessions.map(({ start }) => start("head -c 60000000 /dev/zero | tr '\\0' x | fold -w 99")));
  for (const wanted of [true, false])
    await Promise.all(
      sessions.map(({ processes }) => until(async () => (await processes()).length > 0 === wanted, 60_000)),
    );
  // 16 MB of log, which nobody has acknowledged, and what it takes to keep it.
  expect(residentMb() - before).toBeLessThan(4 * 32);
  await Promise.all(sessions.map(({ end }) => end()));
}, 120_000);
