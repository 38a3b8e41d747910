import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Cli, cli } from "./cli.ts";
import { eachInFolder } from "./in-folder.ts";
import { leftBehind, nothing, processesOf, runningIn } from "./left-behind.ts";
import { agentDispatch, Terminal } from "./terminal.ts";

const CTRL_C = "\u0003";

let stateDir = "";
eachInFolder((made) => {
  stateDir = made;
});

const run = (line: string) => `${agentDispatch} run --state-dir ${stateDir} --shell --command '${line}'`;

const frame = /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/;
const hideCursor = "\u001b[?25l";

/** Whether the cursor is shown again, and no frame of a spinner stands after what was last cleared. */
function isTidy(raw: string): boolean {
  const cleared = raw.lastIndexOf("\u001b[1G\u001b[0K");
  return raw.lastIndexOf("\u001b[?25h") > raw.lastIndexOf(hideCursor) && !frame.test(raw.slice(cleared));
}

test("a run whose reader leaves goes on to its end, quietly, and leaves nothing behind", async () => {
  const done = join(stateDir, "done");
  const job = `for i in 1 2 3 4 5; do echo line $i; echo aside $i >&2; sleep 0.3; done; touch ${done}; exit 5`;
  const { code, raw } = await new Terminal(`set -o pipefail; ${run(job)} | head -2`).ended;
  expect(raw).toMatch(/line 1\r\n[\s\S]*line 2\r\n/);
  expect(raw).toContain("the task goes on to its end");
  expect(raw).not.toMatch(/line 5|^aside 5/m);
  expect(raw).toMatch(/✖ failed.* in .*exit code 5/);
  // head writes to the same terminal: what is drawn there would end up in the middle of its lines.
  expect(raw).not.toMatch(frame);
  expect(raw).not.toContain(hideCursor);
  expect(existsSync(done)).toBe(true);
  expect(code).toBe(5);
  expect(await leftBehind(stateDir)).toEqual(nothing);
});

test("at a system that stays, a run whose reader leaves ends, and its task goes on there", async () => {
  const local = new Cli(["local", "--port", "0", "--state-dir", stateDir]);
  await local.shows("run --state-dir");
  const [go, done] = [join(stateDir, "go"), join(stateDir, "done")];
  const job = `for i in 1 2 3 4; do echo line $i; sleep 0.2; done; until [ -e ${go} ]; do sleep 0.1; done; touch ${done}`;
  const { code, raw } = await new Terminal(`set -o pipefail; ${run(job)} | head -2`).ended;
  expect(code).toBe(141);
  expect(raw).not.toMatch(frame);
  const id = /the task goes on: npx agent-dispatch logs (task_\w+)/.exec(raw)?.[1] ?? "";
  expect(await cli(["status", id, "--state-dir", stateDir])).toMatchObject({ out: expect.stringMatching(/running/) });
  await new Terminal(`touch ${go}`).ended;
  expect(await cli(["logs", id, "--follow", "--state-dir", stateDir])).toMatchObject({ code: 0 });
  expect(existsSync(done)).toBe(true);
  local.kill("SIGTERM");
  await local.ended;
});

test("Ctrl-C on a terminal cancels and leaves neither a spinner nor a worker", async () => {
  const terminal = new Terminal(run("echo working; sleep 60"));
  await terminal.shows("working");
  terminal.type(CTRL_C);
  const { code, raw } = await terminal.ended;
  expect(raw).toContain("■ cancelled");
  expect(isTidy(raw)).toBe(true);
  expect(code).toBe(130);
  expect(await leftBehind(stateDir)).toEqual(nothing);
});

test("a terminal that is closed ends the run and everything it started", async () => {
  const terminal = new Terminal(run('trap "" HUP; echo working; sleep 60'));
  await terminal.shows("working");
  terminal.close();
  await terminal.ended;
  await expect.poll(() => leftBehind(stateDir), { timeout: 30_000, interval: 200 }).toEqual(nothing);
});

test("a terminal that is closed leaves the task to a system that stays", async () => {
  const local = new Cli(["local", "--port", "0", "--state-dir", stateDir]);
  await local.shows("run --state-dir");
  const terminal = new Terminal(run("echo working; sleep 2; echo finished"));
  await terminal.shows("working");
  const id = /task_[0-9a-f]{32}/.exec(terminal.raw)?.[0] ?? "";
  terminal.close();
  await terminal.ended;
  expect(await cli(["logs", id, "--follow", "--state-dir", stateDir])).toMatchObject({
    code: 0,
    out: "working\nfinished\n",
  });
  local.kill("SIGTERM");
  await local.ended;
});

test("a terminal that is closed ends the system that runs in it, with its spare worker", async () => {
  const terminal = new Terminal(`${agentDispatch} local --port 0 --state-dir ${stateDir}`);
  await terminal.shows("run --state-dir");
  await expect.poll(() => processesOf(stateDir), { timeout: 20_000, interval: 50 }).toHaveLength(1);
  terminal.close();
  await terminal.ended;
  await expect.poll(() => runningIn(stateDir), { timeout: 30_000, interval: 200 }).toEqual([]);
  expect(await leftBehind(stateDir)).toEqual(nothing);
});

test("escape sequences of a job are shown harmlessly on a terminal, and passed on elsewhere", async () => {
  const local = new Cli(["local", "--port", "0", "--state-dir", stateDir]);
  await local.shows("run --state-dir");
  const hostile = "\u001b]0;owned\u0007\u001b[2Jgone 10%\r20%\r\n\u009b31m\u202eback";
  await writeFile(join(stateDir, "hostile.txt"), `${hostile}\n`);
  const line = `${run(`cat ${join(stateDir, "hostile.txt")}`)} --detach`;
  const id = /task_[0-9a-f]{32}/.exec((await new Terminal(line).ended).raw)?.[0] ?? "";
  const shown = "^[]0;owned^G^[[2Jgone 10%\r\n20%\r\n<U+009B>31m<U+202E>back\r\n";
  const commands = [
    `${run(`cat ${join(stateDir, "hostile.txt")}`)}`,
    `${agentDispatch} logs ${id} --follow --state-dir ${stateDir}`,
  ];
  for (const command of commands) {
    expect((await new Terminal(command).ended).raw).toContain(shown);
    const piped = await new Terminal(`${command} 2>/dev/null > ${join(stateDir, "out.txt")}`).ended;
    expect(piped.code).toBe(0);
    expect(await readFile(join(stateDir, "out.txt"), "utf8")).toBe(`${hostile}\n`);
  }
  const agent = new Terminal(
    `${agentDispatch} run --state-dir ${stateDir} --framework echo "$(cat ${join(stateDir, "hostile.txt")})"`,
  );
  const { raw } = await agent.ended;
  expect(raw).toContain("^[]0;owned^G");
  for (const sequence of ["\u001b]0;", "\u001b[2J", "\u009b", "\u202e"]) expect(raw).not.toContain(sequence);
  local.kill("SIGTERM");
  await local.ended;
});

test("Ctrl-C ends a command that follows with 130, and leaves the task alone", async () => {
  const local = new Cli(["local", "--port", "0", "--state-dir", stateDir, "--quiet", "--json"]);
  await local.shows('"pid"');
  const job = await new Terminal(`${run("echo begun; sleep 60")} --detach`).ended;
  const id = /task_[0-9a-f]{32}/.exec(job.raw)?.[0] ?? "";
  for (const command of [`logs ${id} -f`, `events ${id} -f`]) {
    const terminal = new Terminal(`${agentDispatch} ${command} --state-dir ${stateDir}`);
    await terminal.shows(/begun|task\.started/);
    terminal.type(CTRL_C);
    expect(await terminal.ended).toMatchObject({ code: 130 });
  }
  expect(await cli(["status", id, "--state-dir", stateDir])).toMatchObject({ out: expect.stringMatching(/running/) });
  await cli(["cancel", id, "--state-dir", stateDir]);
  local.kill("SIGTERM");
  await local.ended;
});

test("Ctrl-C on a run asks its task to cancel, and once more leaves it to a system that stays", async () => {
  const local = new Cli(["local", "--port", "0", "--state-dir", stateDir, "--quiet", "--json"]);
  await local.shows('"pid"');
  const terminal = new Terminal(`${run('trap "" TERM; echo working; while true; do sleep 1; done')}; echo ended $?`);
  await terminal.shows("working");
  terminal.type(CTRL_C);
  await terminal.shows("Ctrl-C once more leaves it to the system");
  terminal.type(CTRL_C);
  await terminal.shows("ended 130");
  const { raw } = await terminal.ended;
  const id = /left running; come back with: .*agent-dispatch logs (task_[0-9a-f]{32}) --state-dir/.exec(raw)?.[1] ?? "";
  expect(await cli(["wait", id, "--state-dir", stateDir])).toMatchObject({ code: 130 });
  local.kill("SIGTERM");
  await local.ended;
});
