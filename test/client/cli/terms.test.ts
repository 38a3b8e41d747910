import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { describe as describeProgram } from "../../../lib/client/cli/describe.ts";
import { hintInTerms, inTerms, terms } from "../../../lib/client/cli/terms.ts";
import { tools } from "../../../lib/mcp/tools/index.ts";
import { memoryIo } from "./memory-io.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const names = tools.map(({ name }) => name);

/** Every text in quotes of the sources whose errors reach the command line. */
function* texts(): Generator<string> {
  const parts = ["contract", "config", "engine", "store", "artifacts", "workflow", "backends", "mcp", "system"];
  for (const part of [...parts.map((name) => `lib/${name}`), "lambdas", "worker"])
    for (const file of readdirSync(join(root, part), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      for (const line of readFileSync(join(root, part, file), "utf8").split("\n"))
        if (/\bhint\b/.test(line)) for (const [, , text = ""] of line.matchAll(/(["`])((?:(?!\1).)*)\1/g)) yield text;
    }
}

test("no hint of an error names a tool or one of its fields where it is shown at the command line", () => {
  const hints = [...texts()];
  expect(hints.filter((hint) => names.some((name) => hint.includes(name))).length).toBeGreaterThan(3);
  for (const hint of hints) expect(hintInTerms(hint, {})).not.toMatch(/(?<![\w./-])[a-z]+(_[a-z]+)+(?![\w./-])/);
});

test("every tool has a command, and every command and option named is there", () => {
  const io = memoryIo();
  const local = {
    stateDir: async () => "",
    find: async () => undefined,
    read: () => Promise.reject(new Error()),
    start: () => Promise.reject(new Error()),
  };
  const context = { io, local, patienceMs: 0, onDeparture: () => () => {}, exit() {} };
  const program: Command = describeProgram(context, () => {});
  const run = program.commands.find((command) => command.name() === "run");
  for (const name of names) expect(terms).toHaveProperty([name]);
  for (const term of Object.values(terms)) {
    const [first = "", word] = term.split(" ");
    if (first.startsWith("--")) expect(run?.options.map(({ long }) => long)).toContain(first);
    else expect(program.commands.map((command) => command.name())).toContain(word);
  }
});

test("a refusal names the task it is about, and words that only look like a field stay", () => {
  const problem = {
    code: "task.terminal",
    message: "it has ended",
    retryable: false,
    hint: "get_task_result returns it",
  } as const;
  expect(inTerms({ ...problem, details: { taskId: "task_1" } }, {}).hint).toBe(
    "agent-dispatch result task_1 returns it",
  );
  expect(inTerms(problem, {}).hint).toBe("agent-dispatch result <id> returns it");
  expect(hintInTerms("timeout_seconds, or timeoutSeconds in the input, gives it longer", {})).toBe(
    "--timeout gives it longer",
  );
  expect(hintInTerms("my_timeout_seconds and defaults.limits.timeoutSeconds", {})).toBe(
    "my_timeout_seconds and defaults.limits.timeoutSeconds",
  );
});

test.each([
  ["get_task_result returns it", "agent-dispatch result <id> --state-dir /s returns it"],
  ["wait_for_task goes on", "agent-dispatch logs <id> --state-dir /s --follow goes on"],
  ["list_tasks shows them", "agent-dispatch list --state-dir /s shows them"],
  ["end it with: agent-dispatch local stop", "end it with: agent-dispatch local stop --state-dir /s"],
  [
    "agent-dispatch local starts it, agent-dispatch status task_1 shows it",
    "agent-dispatch local --state-dir /s starts it, agent-dispatch status task_1 --state-dir /s shows it",
  ],
  ["the agent-dispatch listing, agent-dispatch: list", "the agent-dispatch listing, agent-dispatch: list"],
])("each command in %j asks the system that is meant", (hint, shown) => {
  expect(hintInTerms(hint, { stateDir: "/s" })).toBe(shown);
});

test("a place with spaces is one word of a command", () => {
  const place = { config: "my file.json", stateDir: "/s" };
  expect(hintInTerms("list_tasks", place)).toBe("agent-dispatch list --config 'my file.json' --state-dir /s");
});
