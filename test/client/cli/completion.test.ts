import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { candidatesFor, type Given } from "../../../lib/client/cli/completion/candidates.ts";
import { statuses } from "../../../lib/contract/lifecycle.ts";
import { openTaskStore } from "../../../lib/store/sqlite/task-store.ts";
import { makeTask } from "../../contract/make-task.ts";
import { cleanEnv, cli } from "./cli.ts";
import { idleProgram } from "./idle-program.ts";

const program = idleProgram();

let asked: Given = {};
const known = {
  tasks: async (given: Given) => {
    asked = given;
    return [{ value: "task_1a2b3c4d", description: "running" }];
  },
  profiles: async () => [{ value: "research", description: "strands" }],
};

test.each<[string, string[], string[]]>([
  ["commands", ["art"], ["artifacts"]],
  ["commands of a command", ["artifacts", ""], ["list", "get", "help", "task_1a2b3c4d"]],
  ["options", ["run", "--exec"], ["--execution-role-arn"]],
  ["options of a command of a command", ["artifacts", "get", "x", "--f"], ["--force"]],
  ["options of the command that a group means", ["local", "--until"], ["--until-idle"]],
  ["the choices of an option", ["list", "--status", "c"], ["completing", "cancelling", "cancelled"]],
  ["the choices behind a sign", ["list", "--status=f"], ["--status=failed"]],
  ["the choices behind a sign, as bash tells them", ["list", "--status", "=", "f"], ["failed"]],
  ["nothing of the choices yet, as bash tells it", ["list", "--status", "="], [...statuses]],
  ["the choices of an argument", ["completion", "f"], ["fish"]],
  ["tasks", ["logs", "--follow", "task_1"], ["task_1a2b3c4d"]],
  ["tasks after tasks", ["wait", "task_9", ""], ["task_1a2b3c4d"]],
  ["no second task", ["status", "task_9", ""], []],
  ["tasks of an option", ["run", "Go on", "--continue", ""], ["task_1a2b3c4d"]],
  ["profiles of an option", ["run", "--runtime", "re"], ["research"]],
  ["profiles of an argument", ["check", ""], ["research"]],
  ["profiles to try", ["test", ""], ["research"]],
  ["nothing for what is free text", ["run", "--goal", ""], []],
])("%s are completed", async (_, words, expected) => {
  const { values, files } = await candidatesFor(program, words, known);
  const found = values.map(({ value }) => value);
  expect(found).toEqual(expected);
  expect(files).toBe(false);
});

test.each([[["run", "--cwd", ""]], [["result", "x", "--output", ""]], [["import", ""]], [["list", "--config="]]])(
  "the names of files are completed in %j",
  async (words) => {
    expect(await candidatesFor(program, words, known)).toMatchObject({ files: true });
  },
);

test("the system that is asked is the one that the words name", async () => {
  await candidatesFor(program, ["logs", "--state-dir", "/s", "--config=/c", ""], known);
  expect(asked).toEqual({ stateDir: "/s", config: "/c" });
});

let folder = "";
const task = makeTask({ input: { command: "make it" } });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "agent-dispatch-completion-"));
  const store = openTaskStore(join(folder, "state"));
  await store.create(task);
  store.close();
  await writeFile(join(folder, "config.json"), JSON.stringify({ stateDir: "state", runtimes: { research: {} } }));
});
afterAll(() => rm(folder, { recursive: true }));

test("a real bash completes tasks and profiles, and runs nothing of what was typed", async () => {
  const bin = join(folder, "bin");
  await mkdir(bin);
  const { out } = await cli(["completion", "bash"]);
  const entry = join(import.meta.dirname, "../../../bin/agent-dispatch.js");
  await writeFile(join(bin, "agent-dispatch"), `#!/bin/sh\nexec '${process.execPath}' '${entry}' "$@"\n`, {
    mode: 0o755,
  });
  // It is called as it is where this runs; here it is on the PATH.
  const lines = out.replace(/<\(.* complete -- /, "<(agent-dispatch complete -- ");
  const completed = (...words: string[]) => {
    const script = `${lines}
      compopt() { FILES=yes; }
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _agent_dispatch
      printf '%s\\n' "\${COMPREPLY[@]}" "\${FILES:-no}"`;
    const env = { ...cleanEnv(), PATH: `${bin}${delimiter}${process.env.PATH}` };
    const { stdout, stderr } = spawnSync("bash", ["-c", script, "bash", "agent-dispatch", ...words], {
      env,
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    return stdout.trim().split("\n");
  };
  const at = ["--config", join(folder, "config.json")];
  expect(completed("status", ...at, "task_")).toEqual([task.id.slice(0, 13), "no"]);
  expect(completed("run", ...at, "--runtime", "")).toEqual(["research", "no"]);
  expect(completed("run", "--cwd", "")).toEqual(["yes"]);
  expect(completed("run", "$(touch ran)", "--frame")).toEqual(["--framework", "no"]);
  expect(spawnSync("test", ["-e", "ran"]).status).toBe(1);
});
