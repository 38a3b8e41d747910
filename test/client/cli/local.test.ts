import { once } from "node:events";
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Cli, cli, makeFolder, removeFolder } from "./cli.ts";

async function startLocal(stateDir: string, port = 0): Promise<{ system: Cli; url: string }> {
  const system = new Cli(["local", "--port", String(port), "--state-dir", stateDir]);
  await system.shows("run --state-dir");
  return { system, url: /http:\S+\/mcp/.exec(system.out)?.[0] ?? "" };
}

async function stopped({ system }: { system: Cli }): Promise<void> {
  system.kill("SIGTERM");
  await system.ended;
}

const here = (stateDir: string) => (args: string[]) => cli([...args, "--state-dir", stateDir]);

describe("a system that runs", () => {
  let stateDir = "";
  let local: Awaited<ReturnType<typeof startLocal>>;
  let at: ReturnType<typeof here>;
  beforeAll(async () => {
    stateDir = await makeFolder();
    at = here(stateDir);
    local = await startLocal(stateDir);
  });
  afterAll(async () => {
    await stopped(local);
    await removeFolder(stateDir);
  });

  const detach = async (command: string): Promise<string> =>
    (await at(["run", "--shell", "--detach", "--command", command])).out.trim();

  test("its token can be read by its user alone", async () => {
    expect((await stat(join(stateDir, "token"))).mode & 0o777).toBe(0o600);
  });

  test("a second one on the same state is refused, naming the first", async () => {
    const { code, err } = await at(["local", "--port", "0"]);
    expect(err).toContain(`error: a local system already runs on ${stateDir} at ${local.url}`);
    expect(err).toContain(`process ${local.system.child.pid}`);
    expect(err).toContain(`hint: use it, or end it with: npx agent-dispatch local stop --state-dir ${stateDir}\n`);
    expect(code).toBe(1);
  });

  test("all files of a task are named, however many replies they fill", async () => {
    const files = 'cd "$AGENTDISPATCH_ARTIFACTS_DIR" && for i in $(seq 120); do echo $i > file-$i; done';
    const run = await at(["run", "--shell", "--command", files]);
    expect(run).toMatchObject({ code: 0 });
    expect(run.err.match(/^› artifact file-/gm)).toHaveLength(20);
    const id = /task_[0-9a-f]{32}/.exec(run.err)?.[0] ?? "";
    expect(run.err).toContain(
      `› 100 more artifacts: npx agent-dispatch result ${id} --state-dir ${stateDir} lists them\n`,
    );
    const named = (await at(["result", id])).err.match(/^› artifact file-\d+ /gm);
    expect(new Set(named).size).toBe(120);
    const { artifacts, ...whole } = JSON.parse((await at(["result", id, "--json"])).out);
    expect(artifacts).toHaveLength(120);
    expect(whole).not.toHaveProperty("artifactsNextCursor");
  });

  test("a detached task is followed, looked at and listed", async () => {
    const id = await detach("for i in 1 2 3; do echo line $i; sleep 0.3; done");
    expect(id).toMatch(/^task_[0-9a-f]{32}$/);
    expect(await at(["logs", id, "--follow"])).toMatchObject({ code: 0, out: "line 1\nline 2\nline 3\n" });
    const logs = JSON.parse((await at(["logs", id, "--json"])).out);
    expect(logs).toEqual({ taskId: id, cursor: 0, nextCursor: 21, data: "line 1\nline 2\nline 3\n" });
    await expect.poll(async () => (await at(["status", id])).out, { timeout: 20_000 }).toMatch(/^status +succeeded$/m);
    expect(JSON.parse((await at(["status", id, "--json"])).out)).toMatchObject({ id, status: "succeeded" });
    expect(JSON.parse((await at(["result", id])).out)).toMatchObject({ exitCode: 0, stdoutBytes: 21 });
    expect(JSON.parse((await at(["result", id, "--json"])).out)).toMatchObject({ taskId: id, result: { exitCode: 0 } });
    const list = await at(["list", "--status", "succeeded"]);
    expect(list.out).toMatch(new RegExp(`^${id.slice(0, 13)}  succeeded +\\w+ .* \\$ for i in 1 2 3;`, "m"));
    expect(JSON.parse((await at(["list", "--limit", "1", "--json"])).out).items).toHaveLength(1);
    expect(await at(["cancel", id])).toMatchObject({ code: 1, err: expect.stringContaining("its result stands") });
  });

  test("a failed task's own exit code is that of result and of logs --follow", async () => {
    const id = await detach("echo tried; exit 9");
    expect(await at(["logs", id, "--follow"])).toMatchObject({ code: 9, out: "tried\n" });
    expect(await at(["logs", id])).toMatchObject({ code: 0, out: "tried\n" });
    expect(await at(["result", id])).toMatchObject({ code: 9, err: expect.stringContaining("✖ failed") });
    const missing = (await at(["run", "--detach", "--command", "no-such-program"])).out.trim();
    expect(await at(["logs", missing, "--follow", "--json"])).toMatchObject({ code: 127 });
    expect(await at(["result", missing, "--json"])).toMatchObject({ code: 127 });
  });

  test("a task is named by the beginning of its id", async () => {
    const id = await detach("echo named");
    for (const beginning of [id.slice(0, 17), id.slice(5, 17), id.slice(5, 17).toUpperCase()])
      expect(await at(["logs", beginning, "--follow"])).toMatchObject({ code: 0, out: "named\n" });
    expect(JSON.parse((await at(["status", id.slice(5, 17), "--json"])).out)).toMatchObject({ id });
    expect(await at(["cancel", id.slice(5, 17)])).toMatchObject({
      code: 1,
      err: expect.stringContaining(`agent-dispatch result ${id} --state-dir ${stateDir} returns it`),
    });
  });

  test("a list fits 80 columns, in local time, and says what each task is", async () => {
    const id = await detach(`: ${"日本語 and more ".repeat(20)}`);
    const { items } = JSON.parse((await at(["list", "--json"])).out);
    const { createdAt } = items.find((item: { id: string }) => item.id === id);
    const far = "Pacific/Kiritimati"; // 14 hours ahead
    const { out } = await cli(["list", "--state-dir", stateDir], { env: { TZ: far } });
    const hour = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: far });
    const row = out.split("\n").find((line) => line.startsWith(id.slice(0, 13))) ?? "";
    expect(row).toContain(` ${hour.format(new Date(createdAt))}  `);
    expect(row).toMatch(/ \$ : 日本語 and .*…$/);
    for (const line of out.split("\n")) {
      const columns = [...line].reduce((sum, character) => sum + (character > "\u2e80" ? 2 : 1), 0);
      expect(columns).toBeLessThanOrEqual(80);
    }
  });

  test("what a runtime needs, the accounts and the capabilities are shown", async () => {
    const check = await at(["check"]);
    expect(check).toMatchObject({ code: 0, out: expect.stringMatching(/can run\n✔/) });
    expect(JSON.parse((await at(["check", "--json"])).out)).toMatchObject({ ok: true });
    expect(await at(["check", "nope"])).toMatchObject({
      code: expect.any(Number),
      out: expect.not.stringContaining("can run\n✔"),
    });
    expect((await at(["accounts"])).out).toMatch(/^local +local/m);
    expect((await at(["capabilities"])).out).toMatch(/^local-process +local +agent\.run, command\.run/m);
  });

  test("a reader that leaves ends the command quietly", async () => {
    const id = await detach("while echo more; do sleep 0.05; done");
    const logs = new Cli(["logs", id, "--follow", "--state-dir", stateDir]);
    await logs.shows("more");
    logs.child.stdout?.destroy();
    expect(await logs.ended).toMatchObject({ code: 0, err: "" });
    await at(["cancel", id]);
  });

  test("a task is cancelled by its id", async () => {
    const id = await detach("sleep 60");
    expect(await at(["result", id])).toMatchObject({
      code: 75,
      out: "",
      err: expect.stringContaining("has not ended"),
    });
    expect((await at(["cancel", id])).out).toMatch(new RegExp(`^${id} cancell(ed|ing)\n$`));
    await expect.poll(async () => (await at(["status", id])).out, { timeout: 20_000 }).toMatch(/^status +cancelled$/m);
    const counts = JSON.parse((await at(["local", "status", "--json"])).out);
    expect(counts).toMatchObject({ running: true, url: local.url, pid: local.system.child.pid, stateDir });
    expect(counts.tasks.cancelled).toBeGreaterThan(0);
    expect((await at(["local", "status"])).out).toMatch(/^tasks .*cancelled/m);
  });

  test("the same run under one key happens once", async () => {
    const run = () => at(["run", "--command", "date +%s%N", "--idempotency-key", "once"]);
    const [first, second] = [await run(), await run()];
    expect(first.out).toMatch(/^\d+\n$/);
    expect(second.out).toBe(first.out);
    const other = await at(["run", "--command", "true", "--idempotency-key", "once"]);
    expect(other).toMatchObject({ code: 2, err: expect.stringContaining("error: ") });
  });

  test("what is unknown is refused with 2", async () => {
    for (const command of ["status", "logs", "result", "cancel"]) {
      const { code, err } = await at([command, `task_${"0".repeat(32)}`]);
      expect(err).toContain("error: no task");
      expect(code).toBe(2);
      expect(await at([command, "../x"])).toMatchObject({
        code: 2,
        err: expect.stringMatching(
          `error: id: it is .*\nhint: .*agent-dispatch list --state-dir ${stateDir} shows the tasks you can see\n`,
        ),
      });
    }
  });
});

test("a run goes on where it was when the system is killed and started again", async () => {
  const stateDir = await makeFolder();
  const first = await startLocal(stateDir);
  const run = new Cli([
    "run",
    "--state-dir",
    stateDir,
    "--shell",
    "--command",
    "for i in 1 2 3 4 5; do echo $i; sleep 0.6; done",
  ]);
  await run.shows("1");
  first.system.kill("SIGKILL");
  await run.shows("no answer from the local system");
  const second = await startLocal(stateDir);
  expect(await run.ended).toMatchObject({ code: 0, out: "1\n2\n3\n4\n5\n" });
  expect(run.err).toContain("the local system answers again");
  await stopped(second);
  await removeFolder(stateDir);
});

test("stop waits until the system has ended; its tasks resume on the next start", async () => {
  const stateDir = await makeFolder();
  const at = here(stateDir);
  expect(await at(["local", "stop"])).toMatchObject({
    code: 1,
    err: expect.stringContaining("no local system is running"),
  });
  const first = await startLocal(stateDir);
  const id = (await at(["run", "--detach", "--shell", "--command", "sleep 2; echo finished"])).out.trim();
  await expect.poll(async () => (await at(["status", id])).out, { timeout: 20_000 }).toContain("running");
  const { code, out } = await at(["local", "stop"]);
  expect(out).toContain(`stopped (process ${first.system.child.pid})`);
  expect(code).toBe(0);
  expect(first.system.child.exitCode ?? (await first.system.ended).code).toBe(0);
  expect(first.system.err).toContain("resume on the next start");
  expect(await at(["local", "status"])).toMatchObject({ code: 1, out: expect.stringContaining("not running") });

  const second = await startLocal(stateDir);
  expect((await at(["logs", id, "--follow"])).out).toBe("finished\n");
  await stopped(second);
  await removeFolder(stateDir);
});

test("it tells of each task as it starts and ends, unless it is to be quiet", async () => {
  const stateDir = await makeFolder();
  const { system } = await startLocal(stateDir);
  await here(stateDir)(["run", "--command", "false"]);
  await stopped({ system });
  const line = (how: string) => new RegExp(`^\\d\\d:\\d\\d:\\d\\d  task_[0-9a-f]{8}  ${how}  \\$ false$`, "m");
  expect(system.err).toMatch(line("started"));
  expect(system.err).toMatch(line("failed in \\d\\.\\d s \\(task\\.exit_code\\)"));
  await removeFolder(stateDir);
});

test("a quiet one ends by itself once there was nothing to do for a while, and its detached task is done by then", async () => {
  const stateDir = await makeFolder();
  const system = new Cli(["local", "--port", "0", "--state-dir", stateDir, "--until-idle", "10s", "--quiet"]);
  await expect.poll(() => existsSync(join(stateDir, "endpoint.json")), { timeout: 20_000 }).toBe(true);
  const at = here(stateDir);
  const id = (await at(["run", "--detach", "--shell", "--command", "sleep 3; echo finished"])).out.trim();
  expect(await system.ended).toEqual({ code: 0, out: "", err: "" });
  const { system: next } = await startLocal(stateDir);
  expect(await at(["logs", id])).toMatchObject({ out: "finished\n" });
  await stopped({ system: next });
  await removeFolder(stateDir);
});

test("a port in use, and a state that cannot be written, are told clearly", async () => {
  const stateDir = await makeFolder();
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = String(typeof address === "object" ? address?.port : 0);
  const taken = await cli(["local", "--state-dir", stateDir, "--port", port]);
  expect(taken).toMatchObject({ code: 1, out: "" });
  expect(taken.err).toMatch(new RegExp(`^error: .*${port}`));
  expect(taken.err).toContain("--port");
  server.close();

  const unwritable = await cli(["local", "--state-dir", "/dev/null/state", "--port", "0"]);
  expect(unwritable).toMatchObject({
    code: 1,
    out: "",
    err: expect.stringMatching(/^error: the state folder .*\nhint: /),
  });
  await removeFolder(stateDir);
});
