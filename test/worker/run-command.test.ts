import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { startWorker, temporaryFolder, until } from "./start-worker.ts";

const ok = { exitCode: 0, timedOut: false, durationMs: expect.any(Number) };

test.concurrent("a command's words are split as a shell splits them, and no shell runs", async () => {
  await using worker = await startWorker();
  const { reply, text } = await worker.run({
    command: `printf '%s|' "a  b" c\\ d '$HOME' "\\$x" '' ;`,
    args: ["*", "e f"],
  });
  expect(text("stdout")).toBe("a  b|c d|$HOME|$x||;|*|e f|");
  expect(reply).toMatchObject({ status: "succeeded", result: { ...ok, stdoutBytes: 27, stderrBytes: 0 } });
  expect(reply.error).toBeUndefined();
});

test.concurrent.each([
  ["ls | wc -l", "task.exit_code", "|"],
  ["no-such-program && true", "task.command_not_found", "&&"],
])("what was written for a shell says so when it fails: %s", async (command, code, syntax) => {
  await using worker = await startWorker();
  const { reply } = await worker.run({ command });
  expect(reply.error).toMatchObject({ code, hint: expect.stringContaining(`so ${syntax} was only a word`) });
  expect(reply.error?.hint).toContain("shell: true");
  await using another = await startWorker();
  const { reply: quoted } = await another.run({ command: "sh -c 'exit 3 | exit 4'" });
  expect(quoted.error).not.toHaveProperty("hint");
});

test.concurrent("with shell, the command is a script and the arguments are its parameters", async () => {
  await using worker = await startWorker();
  const { text } = await worker.run({ command: 'echo "$2 $1" | tr a-z A-Z', shell: true, args: ["one", "two"] });
  expect(text("stdout")).toBe("TWO ONE\n");
});

test.concurrent("a command is told of the trace that its task belongs to, unless its call names another", async () => {
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await using worker = await startWorker();
  const { text } = await worker.run({ command: "printenv TRACEPARENT" }, { traceparent });
  expect(text("stdout")).toBe(`${traceparent}\n`);
  const { taskId } = worker;
  const said = await until(() => (worker.stderr().includes("a task ended") ? worker.stderr() : ""));
  expect(said).toContain(`a task started taskId=${taskId} traceId=4bf92f3577b34da6a3ce929d0e0e4736\n`);
  expect(said).toMatch(
    new RegExp(`a task ended taskId=${taskId} traceId=4bf92f3577b34da6a3ce929d0e0e4736 status=succeeded ms=\\d+\n`),
  );
  await using another = await startWorker();
  const named = await another.run({ command: "printenv TRACEPARENT" }, { traceparent, env: { TRACEPARENT: "own" } });
  expect(named.text("stdout")).toBe("own\n");
  await using third = await startWorker();
  const none = await third.run(
    { command: "printenv TRACEPARENT || echo none", shell: true },
    { traceparent: "no trace" },
  );
  expect(none.text("stdout")).toBe("none\n");
});

test.concurrent("a command gets its stdin, environment and folder", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "below"));
  await using worker = await startWorker({
    [environmentVariables.workspace]: folder,
    INHERITED: "worker",
    OVERRIDDEN: "worker",
  });
  const { text } = await worker.run(
    {
      command:
        'cat; cat /dev/stdin; pwd; echo "$INHERITED $OVERRIDDEN $FROM_TASK $FROM_CALL"; echo $AGENTDISPATCH_TASK_ID',
      shell: true,
      cwd: "below",
      stdin: "line €\n",
      env: { FROM_CALL: "call", AGENTDISPATCH_TASK_ID: "another" },
    },
    { env: { OVERRIDDEN: "task", FROM_TASK: "task" } },
  );
  expect(text("stdout")).toBe(`line €\nline €\n${join(folder, "below")}\nworker task task call\n${worker.taskId}\n`);
});

test.concurrent("without stdin there is nothing to read, and the workspace is made", async () => {
  await using worker = await startWorker({ [environmentVariables.workspace]: join(temporaryFolder(), "new/folder") });
  expect((await worker.run({ command: "cat" })).reply.status).toBe("succeeded");
});

test.concurrent("a script may open its streams by name", async () => {
  await using worker = await startWorker();
  const { reply, text } = await worker.run({ command: "echo out > /dev/stdout; echo err > /dev/stderr", shell: true });
  expect([reply.status, text("stdout"), text("stderr")]).toEqual(["succeeded", "out\n", "err\n"]);
});

test.concurrent("a program that does not read a long stdin is no failure", async () => {
  await using worker = await startWorker();
  expect((await worker.run({ command: "true", stdin: "x".repeat(1e6) })).reply.status).toBe("succeeded");
});

describe("how a command can end", () => {
  test.concurrent("with an exit code", async () => {
    await using worker = await startWorker();
    const { reply } = await worker.run({ command: "echo fine; echo 'cannot go on' >&2; exit 3", shell: true });
    expect(reply).toMatchObject({
      status: "failed",
      error: { code: "task.exit_code", message: "/bin/sh ended with exit code 3: cannot go on", retryable: false },
      result: { exitCode: 3, timedOut: false, stdoutBytes: 5, stderrBytes: 13 },
    });
  });

  test.concurrent("by a signal", async () => {
    await using worker = await startWorker();
    const { reply } = await worker.run({ command: "kill -SEGV $$", shell: true });
    expect(reply).toMatchObject({
      status: "failed",
      error: { code: "task.signal" },
      result: { exitCode: null, signal: "SIGSEGV", timedOut: false },
    });
  });

  test.concurrent("not found", async () => {
    await using worker = await startWorker();
    const { reply } = await worker.run({ command: "no-such-program --flag" });
    expect(reply).toMatchObject({
      status: "failed",
      error: { code: "task.command_not_found", message: expect.stringContaining("no-such-program") },
      result: { exitCode: null, timedOut: false, stdoutBytes: 0, stderrBytes: 0 },
    });
  });

  test.concurrent("not executable", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "data.txt"), "no program");
    chmodSync(join(folder, "data.txt"), 0o644);
    await using worker = await startWorker({ [environmentVariables.workspace]: folder });
    const { reply } = await worker.run({ command: "./data.txt" });
    expect(reply).toMatchObject({ status: "failed", error: { code: "task.command_not_executable" } });
    expect(reply.result).toMatchObject({ exitCode: null });
  });
});

const folder = temporaryFolder();
const outside = temporaryFolder();
symlinkSync(outside, join(folder, "way-out"));
writeFileSync(join(folder, "file"), "");

const refused: [string, object][] = [
  ["input.command", { command: "echo 'unbalanced" }],
  ["input.command", { command: "echo \\" }],
  ["input.command", { command: "  " }],
  ["input.command", { command: "''" }],
  ["input.cwd", { command: "true", cwd: ".." }],
  ["input.cwd", { command: "true", cwd: "/" }],
  ["input.cwd", { command: "true", cwd: "way-out" }],
  ["input.cwd", { command: "true", cwd: "file" }],
  ["input.cwd", { command: "true", cwd: "missing" }],
  ["input.cwd", { command: "true", cwd: "a\0b" }],
  ["input", { command: "echo a\0b" }],
  ["input.env", { command: "true", env: { "A=B": "" } }],
  ["input.command", {}],
  ["input.timeoutSeconds", { command: "true", timeoutSeconds: 0 }],
  ["input", { command: "true", comand: "typo" }],
];

test.concurrent("what cannot be run is refused, and the field named", async () => {
  await using worker = await startWorker({ [environmentVariables.workspace]: folder });
  for (const [path, input] of refused) {
    const answer = await (await worker.post({ taskType: "command.run", input })).json();
    expect(answer).toMatchObject({ ok: false, error: { code: "input.invalid", retryable: false } });
    expect(answer).toHaveProperty("error.message", expect.stringContaining(path));
  }
});

test.concurrent("arguments longer than the system allows are refused", async () => {
  await using worker = await startWorker();
  const { reply } = await worker.run({ command: "true", args: Array.from({ length: 25 }, () => "x".repeat(131_072)) });
  expect(reply).toMatchObject({ status: "failed", error: { code: "input.invalid" } });
});

const onTheList: [string, object, string | undefined][] = [
  ["git --version", {}, undefined],
  ["/usr/bin/env true", {}, undefined],
  ["ls", {}, "policy.denied"],
  ["/bin/git", {}, "policy.denied"],
  ["./git", {}, "policy.denied"],
  ["git", { shell: true }, "policy.denied"],
  ["git --version", { env: { PATH: "/tmp" } }, "policy.denied"],
  ["git --version", { env: { LD_PRELOAD: "/tmp/x.so" } }, "policy.denied"],
];

test.concurrent("where a list of allowed programs applies, only those run", async () => {
  await using worker = await startWorker({ [environmentVariables.commandAllowlist]: "git, /usr/bin/env" });
  for (const [command, more, code] of onTheList) {
    const answer = await (await worker.post({ taskType: "command.run", input: { command, ...more } })).json();
    expect((answer as { error?: { code: string } }).error?.code, command).toBe(code);
  }
});

test.concurrent("variables that no process can be given are refused at the start", async () => {
  await using worker = await startWorker();
  for (const env of [{ "A=B": "" }, { "": "x" }, { A: "a\0b" }]) {
    const refusal = await worker.start({ taskType: "command.run", input: { command: "true" }, env });
    expect(refusal).toMatchObject({ error: { code: "input.invalid" } });
  }
});
