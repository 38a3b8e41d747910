import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { commandName } from "../../../lib/client/cli/command-name.ts";
import { describe as describeProgram } from "../../../lib/client/cli/describe.ts";
import { hintInTerms, inTerms, terms } from "../../../lib/client/cli/terms.ts";
import { toolSchemas } from "../../../lib/contract/tools/index.ts";
import { tools } from "../../../lib/mcp/tools/index.ts";
import { memoryIo } from "./memory-io.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
/** A text with the name that the program has everywhere, in place of how it is called here. */
const here = (text = ""): string => text.replaceAll(commandName(), "agent-dispatch");
/** Without the one that is an ordinary word, which stands in many a sentence. */
const names = tools.map(({ name }) => name).filter((name) => name !== "dispatch");

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

/** The names of tools, and of their fields that are of several words. */
const inputs = Object.values(toolSchemas).map(({ input }) => Object.keys(input.shape));
const foreign = [...names, ...new Set(inputs.flat().filter((field) => field.includes("_")))];

/** Every sentence in the sources of what refuses a call, whatever becomes of it. */
const sentences = ["contract", "config", "engine", "agents"].flatMap((part) =>
  readdirSync(join(root, "lib", part), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => [...readFileSync(join(root, "lib", part, file), "utf8").matchAll(/(["`])((?:(?!\1)[^\n])*)\1/g)])
    .map(([, , text = ""]) => text)
    .filter((text) => text.includes(" ")),
);

test.each(foreign)("nothing that is printed names %s, which is a name of the tools", (name) => {
  const whole = new RegExp(`(?<![\\w.-])${name}(?![\\w.]*\\w)`);
  expect(hintInTerms(`say ${name} again`, {})).not.toMatch(whole);
  for (const text of sentences.filter((sentence) => whole.test(sentence)))
    expect(inTerms({ code: "input.invalid", message: text, retryable: false }, {}).message).not.toMatch(whole);
});

test("every tool has a command, and every command and option named is there", () => {
  const io = memoryIo();
  const local = {
    stateDir: async () => "",
    idsBeginning: async () => [],
    find: async () => undefined,
    read: () => Promise.reject(new Error()),
    start: () => Promise.reject(new Error()),
  };
  const context = { io, local, patienceMs: 0, onDeparture: () => () => {}, exit() {} };
  const program: Command = describeProgram(context, () => {});
  const all = program.commands.flatMap((command) => [command, ...command.commands]);
  const options = all.flatMap((command) => command.options.map(({ long }) => long));
  for (const name of names) expect(terms).toHaveProperty([name]);
  for (const term of Object.values(terms)) {
    const [first = "", word] = term.split(" ");
    if (first.startsWith("--")) expect(options).toContain(first);
    if (first === "agent-dispatch") expect(program.commands.map((command) => command.name())).toContain(word);
  }
});

test("a refusal names the task it is about, and words that only look like a field stay", () => {
  const problem = {
    code: "task.terminal",
    message: "it has ended",
    retryable: false,
    hint: "get_task_result returns it",
  } as const;
  expect(here(inTerms({ ...problem, details: { taskId: "task_1" } }, {}).hint)).toBe(
    "agent-dispatch result task_1 returns it",
  );
  expect(here(inTerms(problem, {}).hint)).toBe("agent-dispatch result <id> returns it");
  expect(hintInTerms("timeout_seconds, or timeoutSeconds in the input, gives it longer", {})).toBe(
    "--timeout gives it longer",
  );
  expect(hintInTerms("my_timeout_seconds and defaults.limits.timeoutSeconds", {})).toBe(
    "my_timeout_seconds and defaults.limits.timeoutSeconds",
  );
});

test.each([
  ["get_task_result returns it", "agent-dispatch result <id> --state-dir /s returns it"],
  ["wait_for_task goes on", "agent-dispatch wait <id> --state-dir /s goes on"],
  ["list_tasks shows them", "agent-dispatch list --state-dir /s shows them"],
  ["end it with: agent-dispatch local stop", "end it with: agent-dispatch local stop --state-dir /s"],
  [
    "agent-dispatch local starts it, agent-dispatch status task_1 shows it",
    "agent-dispatch local --state-dir /s starts it, agent-dispatch status task_1 --state-dir /s shows it",
  ],
  ["the agent-dispatch listing, agent-dispatch: list", "the agent-dispatch listing, agent-dispatch: list"],
])("each command in %j asks the system that is meant", (hint, shown) => {
  expect(here(hintInTerms(hint, { stateDir: "/s" }))).toBe(shown);
});

test("a place with spaces is one word of a command", () => {
  const place = { config: "my file.json", stateDir: "/s" };
  expect(here(hintInTerms("list_tasks", place))).toBe("agent-dispatch list --config 'my file.json' --state-dir /s");
});
