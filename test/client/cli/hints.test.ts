/** Each command in what is printed when something goes wrong may be typed as it stands, and asks the system that was meant. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commandName } from "../../../lib/client/cli/command-name.ts";
import { idsBeginning } from "../../../lib/system/reading.ts";
import { Cli, cli, makeFolder, removeFolder } from "./cli.ts";
import { idleProgram } from "./idle-program.ts";

let home = "";
let stateDir = "";
let config = "";
let running: Cli | undefined;
const ids: string[] = [];
const place = () => ["--state-dir", stateDir, "--config", config];
const HERE = { cwd: join(import.meta.dirname, "../../..") };

beforeAll(async () => {
  home = await makeFolder();
  [stateDir, config] = [join(home, "my state"), join(home, "my config.json")];
  await mkdir(stateDir);
  const runtimes = { parrot: { backend: "here", framework: "echo" } };
  const backends = { here: { adapter: "local-process", account: "local" } };
  await writeFile(config, JSON.stringify({ accounts: { local: { provider: "local" } }, backends, runtimes }));
  running = new Cli(["local", "--port", "0", "--json", ...place()], HERE);
  await running.shows(/"tokenFile"[\s\S]*\n}/);
  for (const word of ["one", "two"]) {
    const { out } = await cli(["run", "--detach", "--command", `echo ${word}`, "--shell", ...place()], HERE);
    ids.push(out.trim());
  }
  await cli(["wait", ...ids, ...place()], HERE);
});
afterAll(async () => {
  running?.kill("SIGTERM");
  await running?.ended;
  await removeFolder(home);
});

const program = idleProgram();

/** The words of a shell's line, as far as we quote them. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");

/** The commands of ours in a text: the subcommand, and the options that stand behind it with their values. */
function commandsIn(text: string) {
  return text
    .split(commandName())
    .slice(1)
    .map((behind) => {
      let command = program;
      const options: Record<string, string | true> = {};
      const words = wordsOf(behind.split("\n")[0] ?? "");
      for (let at = 0; at < words.length; at++) {
        const word = (words[at] ?? "").replace(/[;,.:]$/, "");
        const sub = command.commands.find((each) => each.name() === word);
        // Those of a group are those of what it does where nothing more is said.
        const known = [command, ...(command === program ? [] : command.commands)].flatMap((each) => each.options);
        const option = known.find(({ long }) => long === word);
        if (sub && Object.keys(options).length === 0) command = sub;
        else if (option?.required) options[word] = (words[++at] ?? "").replace(/[;,.]$/, "");
        else if (option) options[word] = true;
        else if (word.startsWith("--")) throw new Error(`${command.name()} takes no ${word}: ${behind}`);
        else if (!/^(task_\w+|<id>|…)$/.test(word)) break;
      }
      return { name: command.name(), options, behind };
    });
}

test.each<[string, () => string[], number]>([
  ["an id that is none", () => ["status", "nobody"], 1],
  ["a task that is not there", () => ["status", "f".repeat(32)], 1],
  ["the beginning of no id", () => ["logs", "ffffffff"], 1],
  ["an artifact that is not there", () => ["artifacts", "get", ids[0] ?? "", "nope"], 1],
  ["a task that has ended", () => ["cancel", ids[0] ?? ""], 1],
  ["a runtime that is not there", () => ["run", "--runtime", "nobody", "Say hello"], 0],
  ["an account that is not there", () => ["run", "--account", "nobody", "--command", "true"], 0],
  ["an agent that is not there", () => ["describe", "nobody"], 1],
  ["a system that runs already", () => ["local", "--port", "0"], 1],
  ["a task that asks for nothing", () => ["a2a-send", ids[0] ?? "", "--text", "hello"], 0],
  ["a conversation of none", () => ["run", "--continue", ids[0] ?? "", "Say hello"], 0],
])("%s", async (_, words, least) => {
  const { code, out, err } = await cli([...words(), ...place()], HERE);
  expect(code, out).not.toBe(0);
  const commands = commandsIn(err);
  expect(commands.length, err).toBeGreaterThanOrEqual(least);
  for (const { name, options, behind } of commands) {
    expect(name, behind).not.toBe("agent-dispatch");
    expect(options, err).toMatchObject({ "--state-dir": stateDir, "--config": config });
  }
});

test("no system, and no state", async () => {
  const nowhere = join(home, "no where");
  for (const words of [["list"], ["cancel", "f".repeat(32)], ["run", "--detach", "--command", "true"]]) {
    const { err } = await cli([...words, "--state-dir", nowhere, "--config", config], HERE);
    const commands = commandsIn(err);
    expect(
      commands.map(({ name }) => name),
      err,
    ).toContain("local");
    for (const { options } of commands) expect(options).toMatchObject({ "--state-dir": nowhere, "--config": config });
  }
  expect(idsBeginning(stateDir, ids[0]?.slice(0, 12) ?? "")).toEqual([ids[0]]);
});
