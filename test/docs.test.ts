import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { cloudDefaults } from "../lib/backends/agentcore/cloud-defaults.ts";
import { describe as describeProgram } from "../lib/client/cli/describe.ts";
import { withBuiltIn } from "../lib/config/built-in.ts";
import { environmentVariables } from "../lib/contract/execution-environment.ts";
import { builtInFramework, builtInFrameworks } from "../lib/contract/frameworks.ts";
import { agentTools, tools } from "../lib/mcp/tools/index.ts";
import manifest from "../package.json" with { type: "json" };
import { memoryIo } from "./client/cli/memory-io.ts";
import { parseConfiguration } from "./fixtures/configuration.ts";
import { IMAGE, ROLE_ARN, RUNTIME_ARN } from "./mcp/ports.ts";

const root = join(import.meta.dirname, "..");
const pages = ["", "docs"].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);
const read = (page: string) => readFileSync(join(root, page), "utf8");
const readme = read("README.md");

/** What a deployment adds to a configuration. */
const deployed = { workerImageUri: IMAGE, workerRoleArn: ROLE_ARN, sharedRuntimeArn: RUNTIME_ARN };

/** The text without fenced blocks: what looks like a link or a heading in there is none. */
const prose = (text: string) => text.replaceAll(/^```.*?^```$/gms, "");

/** Anchors of a page's headings, as they are made where Markdown is shown with links to headings. */
function anchorsOf(text: string): string[] {
  const titles = [...prose(text).matchAll(/^#{1,6} +(.+)$/gm)].map(([, title = ""]) => title);
  return titles.map((title) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}

function brokenLinks(page: string, text: string): string[] {
  const targets = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return targets.filter((target) => {
    if (/^https:\/\//.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    const file = path === "" ? page : normalize(join(dirname(page), path));
    if (file.startsWith("..") || !existsSync(join(root, file))) return true;
    return anchor !== undefined && !anchorsOf(file === page ? text : read(file)).includes(anchor);
  });
}

/** Scripts that a text tells to run and that there are not. */
function unknownScripts(text: string): string[] {
  const named = [...text.matchAll(/\bnpm run ([\w:-]+)|\bnpm (test)\b/g)].map((match) => match[1] ?? match[2] ?? "");
  return named.filter((name) => !Object.hasOwn(manifest.scripts, name));
}

const program = describeProgram(
  {
    io: memoryIo(),
    local: {
      stateDir: async () => "",
      find: async () => undefined,
      idsBeginning: async () => [],
      read: () => Promise.reject(new Error("nothing is read here")),
      start: () => Promise.reject(new Error("nothing is started here")),
    },
    patienceMs: 0,
    onDeparture: () => () => {},
    exit() {},
  },
  () => {},
);

const sub = (command: Command, name = "") =>
  command.commands.find((each) => each.name() === name || each.aliases().includes(name));

/** Command lines of ours whose command or option there is not. */
function unknownCommands(text: string): string[] {
  const lines = [...text.matchAll(/(?:\bnpx agent-dispatch|\bnpm run agent-dispatch --|`agent-dispatch) ([^\n`;]+)/g)];
  return lines
    .map(([, line = ""]) => line)
    .filter((line) => {
      // What is quoted belongs to the job.
      const words = line.replaceAll(/'[^']*'|"[^"]*"/g, "").split(/\s+/);
      if (words[0] === "--help") return false;
      const command = sub(program, words[0]);
      if (!command) return true;
      const group = command.commands.length > 0;
      const innermost = group ? (sub(command, words[1]) ?? sub(command, "start") ?? command) : command;
      const options = words.filter((word) => word.startsWith("--"));
      return options.some((option) => !innermost.options.some(({ long }) => long === option));
    });
}

describe.each(pages)("%s", (page) => {
  const text = read(page);

  test("links to what there is", () => {
    expect(brokenLinks(page, text)).toEqual([]);
  });

  test("names scripts, commands and options that there are", () => {
    expect(unknownScripts(text)).toEqual([]);
    expect(unknownCommands(text)).toEqual([]);
  });

  test("names files that there are", () => {
    const named = [...prose(text).matchAll(/`((?:bin|lib|lambdas|worker|test|docs|\.ci)\/[\w./-]*)`/g)];
    expect(named.map(([, path = ""]) => path).filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test("names environment variables that are read", () => {
    const known: string[] = Object.values(environmentVariables);
    const named = [...text.matchAll(/\bAGENTDISPATCH_[A-Z_]+/g)].map(([name]) => name);
    const isFramework = (name: string) => name.startsWith(environmentVariables.frameworkCommandPrefix);
    expect(named.filter((name) => !known.includes(name) && !isFramework(name))).toEqual([]);
  });

  test("shows configurations that are valid", () => {
    for (const [, json = ""] of text.matchAll(/^```json\n(.*?)^```$/gms))
      parseConfiguration(withBuiltIn(cloudDefaults(deployed), JSON.parse(json)));
  });
});

test("the README has a row for every tool, and for nothing else", () => {
  const table = /\| Tool \|.*?\n\n/s.exec(readme)?.[0] ?? "";
  const cells = [...table.matchAll(/^\| (`[^|]+) \|/gm)].map(([, cell = ""]) => cell);
  const named = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  expect(named.sort()).toEqual([...tools, ...agentTools].map(({ name }) => name).sort());
});

test("the README counts the tools", () => {
  expect(/(\d+) MCP tools/.exec(readme)?.[1]).toBe(String(tools.length));
});

test("ten cases say where to change what, in source and tests, each with files that there are", () => {
  const [, ...cases] = read("docs/WHERE.md").split(/^## /m);
  expect(cases.length).toBeGreaterThanOrEqual(10);
  for (const text of cases) {
    const [title = ""] = text.split("\n");
    const named = [...text.matchAll(/`([\w.-]+\/[\w./-]+|\w+\.md)`/g)].map(([, path = ""]) => path);
    expect(
      named.filter((path) => !existsSync(join(root, path))),
      title,
    ).toEqual([]);
    expect(
      named.some((path) => /^(lib|worker)\//.test(path)),
      title,
    ).toBe(true);
  }
});

test("the architecture names every folder of the source", () => {
  const folders = ["lib", "."].flatMap((parent) =>
    readdirSync(join(root, parent), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(parent, name)),
  );
  const sources = folders.filter((folder) => /^(?:lib\/\w+|bin|lambdas|worker|test)$/.test(folder));
  const architecture = read("docs/ARCHITECTURE.md");
  expect(sources.filter((folder) => !architecture.includes(`\`${folder}/`))).toEqual([]);
});

describe("the checks", () => {
  test.each([
    ["[a](nowhere.md)"],
    ["[a](docs/ARCHITECTURE.md#no-such-heading)"],
    ["[a](#no-such-heading)"],
    ["[a](../outside.md)"],
  ])("find that %j leads nowhere", (text) => {
    expect(brokenLinks("README.md", text)).toHaveLength(1);
  });

  test("follow links to headings", () => {
    expect(brokenLinks("README.md", "# The `same` page, here\n[a](#the-same-page-here)")).toEqual([]);
    expect(brokenLinks("docs/x.md", "[a](../SECURITY.md#reporting-a-problem)")).toEqual([]);
  });

  test.each([
    ["npx agent-dispatch runn 'x'"],
    ["npx agent-dispatch run --nope"],
    ["npm run agent-dispatch -- local --follow"],
    ["`agent-dispatch brige`"],
  ])("find that %j does not exist", (text) => {
    expect(unknownCommands(text)).toHaveLength(1);
  });

  test("find scripts that do not exist", () => {
    expect(unknownScripts("npm run fly && npm test && npm run demo")).toEqual(["fly"]);
  });
});

test("the page on agents says of every framework what the table of them does", () => {
  const page = read("docs/AGENTS.md");
  for (const name of Object.keys(builtInFrameworks)) {
    const rows = page.split("\n").filter((line) => line.startsWith(`| \`${name}\` |`));
    const { install, login, program, minVersion, environment } = builtInFramework(name) ?? { environment: [] };
    const [facts = "", credentials = ""] = rows;
    for (const command of [install, login]) if (command !== undefined) expect(facts).toContain(`\`${command}\``);
    if (program !== undefined) expect(facts).toContain(`${program} ${minVersion} or newer`);
    const own = environment.filter((variable) => /^[A-Z_]*\*$/.test(variable));
    for (const variable of own) expect(credentials).toContain(`\`${variable}\``);
  }
});
