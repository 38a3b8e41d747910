import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { fixture } from "../../worker/start-worker.ts";
import { Cli, cli, makeFolder, removeFolder } from "./cli.ts";

let stateDir = "";
beforeAll(async () => {
  stateDir = await makeFolder();
});
afterAll(() => removeFolder(stateDir));

/** Runs in a state of this file's own; each run starts a system for itself. */
const run = (args: string[], options: ConstructorParameters<typeof Cli>[1] = {}) =>
  cli(["run", "--state-dir", stateDir, ...args], options);

test("a command's output and exit code are its own, and what we say goes to standard error", async () => {
  const script = 'echo "to out"; echo "to err" >&2; exit 7';
  const { code, out, err } = await run(["--command", script, "--shell"]);
  expect(out).toBe("to out\n");
  expect(err).toMatch(/^› task_[0-9a-f]{32}$/m);
  expect(err).toMatch(/^to err$/m);
  expect(err).toMatch(/^✖ failed in \d+\.\d s: .*exit code 7: to err \(task\.exit_code\)$/m);
  expect(code).toBe(7);
});

test("standard input and variables reach the command", async () => {
  const args = ["--command", "cat; echo $GREETING", "--shell", "--stdin", "-", "--env", "GREETING=hello"];
  expect(await run(args, { stdin: "b\na\n" })).toMatchObject({ code: 0, out: "b\na\nhello\n" });
});

test("a command that takes too long ends with 124, one that does not exist with 127", async () => {
  const [late, missing] = [
    ["--command", "sleep 60", "--timeout", "1s"],
    ["--command", "no-such-program"],
  ];
  expect(await run(late)).toMatchObject({ code: 124, err: expect.stringContaining("task.timeout") });
  expect(await run(missing)).toMatchObject({ code: 127, err: expect.stringContaining("task.command_not_found") });
});

test("an agent's answer is standard output", async () => {
  const { code, out, err } = await run(["Say hello", "--framework", "echo", "--context", "tone=warm"]);
  expect(out).toContain("Say hello");
  expect(out).toContain("warm");
  expect(err).toContain("✔ succeeded");
  expect(code).toBe(0);
});

test("an agent is gone on with: the last one, that of a task, or that of a conversation", async () => {
  const env = { AGENTDISPATCH_FRAMEWORK_COMMAND_REMEMBERS: `${process.execPath} ${fixture("agent-remembers.mjs")}` };
  const folder = await makeFolder();
  const agent = (...args: string[]) => cli(["run", "--state-dir", folder, ...args], { env });
  const nothing = await agent("Go on", "--continue");
  expect(nothing).toMatchObject({ code: 2, err: expect.stringContaining("no agent task to go on with") });
  expect(nothing.err).toContain("agent-dispatch list");
  const first = await agent("one", "--framework", "remembers", "--json");
  const { id, conversation } = JSON.parse(first.out) as { id: string; conversation: string };
  expect(await agent("two", "--continue")).toMatchObject({ code: 0, out: "one, two\n" });
  const command = JSON.parse((await agent("--command", "true", "--json")).out) as { id: string };
  expect(await agent("--continue", "three")).toMatchObject({ out: "one, two, three\n" });
  expect(await agent("other", "--framework", "remembers")).toMatchObject({ out: "other\n" });
  expect(await agent("--continue", id.slice(5, 17), "four")).toMatchObject({ out: "one, two, three, four\n" });
  expect(await agent("five", "--conversation", conversation)).toMatchObject({ out: "one, two, three, four, five\n" });
  expect(await agent("x", "--continue", command.id)).toMatchObject({
    code: 2,
    err: expect.stringContaining("an agent"),
  });
  const unknown = await agent("x", "--conversation", `conv_${"0".repeat(32)}`);
  expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining("no conversation conv_0") });
  removeFolder(folder);
}, 120_000);

test("with --json, standard output is one object and the job's output is on standard error", async () => {
  const { code, out, err } = await run(["--command", "echo words", "--json"]);
  expect(JSON.parse(out)).toMatchObject({
    status: "succeeded",
    exitCode: 0,
    result: { exitCode: 0, stdoutBytes: 6 },
    artifacts: [],
  });
  expect(err).toContain("words\n");
  expect(code).toBe(0);
});

test("a question is asked, with what can be answered, and nothing runs", async () => {
  const { code, out, err } = await run(["Say hello", "--runtime", "nope"]);
  expect(err).toMatch(/^question: .*nope.*\(local\)$/m);
  expect(err).toMatch(/^hint: answer it with --runtime/m);
  expect(out).toBe("");
  expect(code).toBe(2);
  const asked = await run(["Say hello", "--runtime", "nope", "--json"]);
  expect(JSON.parse(asked.out)).toMatchObject({ status: "needs_clarification" });
});

test("a line is seen while the job goes on, and Ctrl-C cancels", async () => {
  const started = new Cli(["run", "--state-dir", stateDir, "--command", "echo a line; sleep 60", "--shell"]);
  await started.shows(/^a line$/m);
  started.kill("SIGINT");
  const { code, err } = await started.ended;
  expect(err).toContain("■ cancelled");
  expect(code).toBe(130);
});

test("of two runs at the same time neither depends on which ends first", async () => {
  const first = new Cli(["run", "--state-dir", stateDir, "--command", "echo first; sleep 1", "--shell"]);
  await first.shows("first");
  const second = await run(["--command", "for i in 1 2 3 4; do echo $i; sleep 1; done", "--shell"]);
  expect(await first.ended).toMatchObject({ code: 0, out: "first\n" });
  expect(second).toMatchObject({ code: 0, out: "1\n2\n3\n4\n" });
});

test("--detach needs a system that stays: that of another run ends with it", async () => {
  const other = new Cli(["run", "--state-dir", stateDir, "--command", "echo working; sleep 60", "--shell"]);
  await other.shows("working");
  expect(await run(["--command", "true", "--detach"])).toMatchObject({
    code: 1,
    err: expect.stringContaining("no local system is running"),
  });
  other.kill("SIGINT");
  await other.ended;
  const { code, err } = await run(["--command", "true", "--detach"]);
  expect(err).toMatch(
    /^error: no local system is running on .*\nhint: .*agent-dispatch local --state-dir \S+ starts it/,
  );
  expect(code).toBe(1);
});

test.each([
  [["run"], "error: instruction: say what an agent is to do"],
  [["run", "text", "--command", "ls"], "not both"],
  [["run", "--command", "ls", "--timeout", "soon"], "90s, 5m, 2h"],
  [["run", "--comand", "ls"], "error: unknown option '--comand'"],
  [["rum"], "error: unknown command 'rum'"],
  [["local", "--port", "99999"], "from 0 to 65535"],
  [["list", "--status", "odd"], "Allowed choices"],
  [["status"], "missing required argument 'id'"],
  [["run", "text", "--config", "/no/such/file.json"], "there is no such file"],
])("%j is refused with 2 and a hint", async (args, message) => {
  const { code, out, err } = await cli(args);
  expect(err).toContain(message);
  expect(err).not.toMatch(/^\s+at /m);
  expect(out).toBe("");
  expect(code).toBe(2);
});

test("the version is that of the package", async () => {
  expect(await cli(["--version"])).toMatchObject({ code: 0, out: `${manifest.version}\n`, err: "" });
});

test("help has examples for what is used most", async () => {
  for (const args of [["--help"], ["help"], ["run", "--help"], ["help", "run"], ["help", "local"]]) {
    const { code, out } = await cli(args);
    expect(out).toContain("Examples:\n  npx agent-dispatch");
    expect(code).toBe(0);
  }
});

test("an error is told as JSON too where JSON was asked for", async () => {
  const { out, err, code } = await cli(["list", "--json", "--state-dir", join(stateDir, "none")]);
  expect(JSON.parse(out)).toMatchObject({ error: { code: "local.no_state", retryable: false } });
  expect(err).toMatch(/^error: there are no tasks on .*\nhint: .*local --state-dir \S+ starts it/);
  expect(code).toBe(1);
});

test("tasks are read when no system runs any more; what would need one says how to start it", async () => {
  const { id } = JSON.parse((await run(["--command", "echo kept; exit 4", "--shell", "--json"])).out);
  const read = (...args: string[]) => cli([...args, "--state-dir", stateDir]);
  expect(await read("list")).toMatchObject({ code: 0, out: expect.stringContaining("$ echo kept; exit 4") });
  expect(await read("status", id)).toMatchObject({ code: 0, out: expect.stringMatching(/^status +failed$/m) });
  expect(await read("logs", id, "--follow")).toMatchObject({ code: 4, out: "kept\n" });
  expect(await read("result", id)).toMatchObject({ code: 4 });
  const cancel = await read("cancel", id);
  expect(cancel).toMatchObject({ code: 1, err: expect.stringContaining("no local system is running") });
});
