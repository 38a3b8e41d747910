import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { circlesOf, importsOf, violationsOf } from "./architecture.ts";

/** About 25, says the architecture. */
const MOST_FILES = 26;
const root = join(import.meta.dirname, "..");
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: root })
  .toString()
  .split("\0")
  .filter((file) => file && existsSync(join(root, file)));
const read = (file: string) => readFileSync(join(root, file), "utf8");

test("no import breaks the dependency rules", () => {
  const sources = files.filter((file) => file.endsWith(".ts"));
  expect(sources.length).toBeGreaterThan(10);
  expect(sources.flatMap((file) => violationsOf(file, read(file)))).toEqual([]);
});

test("no files import each other in a circle", () => {
  const sources = files.filter((file) => /^(bin|lib|lambdas|worker)\/.*\.ts$/.test(file));
  expect(circlesOf(Object.fromEntries(sources.map((file) => [file, read(file)])))).toEqual([]);
});

test("no folder holds more than a person can look through", () => {
  const folders = files.filter((file) => /^(bin|lib|lambdas|worker)\//.test(file)).map((file) => dirname(file));
  const sizes = new Map(folders.map((folder) => [folder, folders.filter((other) => other === folder).length]));
  expect([...sizes].filter(([, size]) => size > MOST_FILES)).toEqual([]);
});

test("what an adapter says of itself loads nothing but data", () => {
  const reached = new Set(
    files.filter((file) => /^lib\/backends\/[^/]+\/(description|cloud-defaults)\.ts$/.test(file)),
  );
  expect(reached.size).toBeGreaterThan(1);
  for (const file of reached)
    for (const target of importsOf(file, read(file))) {
      if (files.includes(target)) reached.add(target);
      else expect(target, file).toMatch(/^(zod|node:(fs|path))$/);
    }
});

describe("the checker", () => {
  test("finds circles, of types too", () => {
    const a = 'import { b } from "./b.ts";';
    const b = 'import type { C } from "./c.ts";';
    const c = 'export { a } from "./a.ts";';
    const d = 'import { a } from "./a.ts";';
    expect(circlesOf({ "lib/a.ts": a, "lib/b.ts": b, "lib/c.ts": c, "lib/d.ts": d })).toEqual([
      ["lib/a.ts", "lib/b.ts", "lib/c.ts"],
    ]);
    expect(circlesOf({ "lib/a.ts": a, "lib/b.ts": b, "lib/d.ts": d })).toEqual([]);
  });

  test.each([
    ['import { a } from "./b.ts";', ["lib/contract/b.ts"]],
    ['import type { A } from "../aws/b.ts";', ["lib/aws/b.ts"]],
    ['import {\n  a,\n  type B,\n} from "zod/v4";', ["zod/v4"]],
    ['export * from "../local/b.ts";\nexport type { C } from "c";', ["lib/local/b.ts", "c"]],
    ['import "./effect.ts";', ["lib/contract/effect.ts"]],
    ['const a = await import("node:fs");', ["node:fs"]],
    ['let a: import("../../worker/b.ts").B;', ["worker/b.ts"]],
    ['const a = createRequire(import.meta.url); require("d");', ["d"]],
    ['import a from "./a.json" with { type: "json" };', ["lib/contract/a.json"]],
    ['const words = `comes from "somewhere"`;', []],
  ])("sees what %j imports", (source, imports) => {
    expect(importsOf("lib/contract/x.ts", source)).toEqual(imports);
  });

  test.each([
    ["lib/contract/x.ts", "node:fs"],
    ["lib/contract/x.ts", "../config/routing.ts"],
    ["lib/contract/x.ts", "leven"],
    ["lib/config/x.ts", "../engine/ports.ts"],
    ["lib/config/x.ts", "../store/port.ts"],
    ["lib/config/x.ts", "../backends/agentcore/description.ts"],
    ["lib/config/x.ts", "../store/sqlite/task-store.ts"],
    ["lib/agents/x.ts", "../store/port.ts"],
    ["lib/agents/x.ts", "../engine/ports.ts"],
    ["lib/agents/x.ts", "../backends/local-process/workspace.ts"],
    ["lib/engine/x.ts", "../agents/service.ts"],
    ["lib/engine/x.ts", "node:fs"],
    ["lib/engine/x.ts", "../store/sqlite/task-store.ts"],
    ["lib/engine/x.ts", "../workflow/in-process.ts"],
    ["lib/engine/steps/x.ts", "../../mcp/server.ts"],
    ["lib/engine/steps/x.ts", "@aws-sdk/client-sfn"],
    ["lib/engine/x.ts", "zodiac"],
    ["lib/store/port.ts", "../engine/ports.ts"],
    ["lib/store/sqlite/x.ts", "../dynamodb/items.ts"],
    ["lib/store/sqlite/x.ts", "../../aws/observe/observe.ts"],
    ["lib/store/sqlite/x.ts", "../../engine/dispatch.ts"],
    ["lib/store/dynamodb/x.ts", "../../artifacts/s3/bucket.ts"],
    ["lib/backends/agentcore/x.ts", "../local-process/backend.ts"],
    ["lib/backends/local-process/x.ts", "../../../worker/main.ts"],
    ["lib/workflow/in-process.ts", "../engine/steps/index.ts"],
    ["lib/aws/x.ts", "../store/port.ts"],
    ["lib/aws/x.ts", "@aws-lambda-powertools/logger"],
    ["lib/engine/x.ts", "../aws/observe/observe.ts"],
    ["lib/system/local/x.ts", "@aws-lambda-powertools/logger"],
    ["lib/mcp/tools/x.ts", "../../store/sqlite/task-store.ts"],
    ["lib/mcp/tools/x.ts", "@modelcontextprotocol/server"],
    ["lib/mcp/tools/x.ts", "../../engine/service.ts"],
    ["lib/mcp/tools/x.ts", "../../engine/ports.ts"],
    ["lib/mcp/x.ts", "../engine/ports.ts"],
    ["lib/mcp/x.ts", "../engine/record.ts"],
    ["lib/mcp/x.ts", "../config/routing.ts"],
    ["lib/mcp/x.ts", "../store/port.ts"],
    ["lib/mcp/x.ts", "../artifacts/port.ts"],
    ["lib/mcp/server.ts", "../store/dynamodb/task-store.ts"],
    ["lib/mcp/server.ts", "../system/local.ts"],
    ["lib/system/local/http.ts", "../../client/cli/print.ts"],
    ["lib/system/local/http.ts", "../../store/sqlite/task-store.ts"],
    ["worker/x.ts", "../lib/system/local.ts"],
    ["worker/x.ts", "../lib/config/issues.ts"],
    ["worker/x.ts", "commander"],
    ["worker/x.ts", "@strands-agents/sdk"],
    ["worker/frameworks/strands/strands.ts", "@strands-agents/sdk"],
    ["worker/frameworks/strands/agent.ts", "./strands.ts"],
    ["lib/client/x.ts", "../system/local.ts"],
    ["lib/client/x.ts", "../store/port.ts"],
    ["lib/client/x.ts", "../engine/dispatch.ts"],
    ["lib/client/x.ts", "node:sqlite"],
    ["lib/system/local/x.ts", "node:sqlite"],
    ["lib/infra/x.ts", "../../lambdas/mcp/handler.ts"],
    ["lib/infra/x.ts", "../store/dynamodb/task-store.ts"],
    ["lib/infra/x.ts", "../../worker/main.ts"],
    ["lib/infra/x.ts", "../backends/agentcore/backend.ts"],
    ["bin/x.ts", "../test/fixtures/x.ts"],
    ["lambdas/mcp/handler.ts", "../../lib/system/local.ts"],
    ["elsewhere/x.ts", "zod"],
  ])("forbids %s to import %s", (file, target) => {
    expect(violationsOf(file, `import type { X } from "${target}";`)).not.toEqual([]);
  });

  test.each([
    ["lib/contract/x.ts", "./task.ts"],
    ["lib/engine/x.ts", "../store/port.ts"],
    ["lib/agents/x.ts", "../engine/service.ts"],
    ["lib/store/dynamodb/x.ts", "../../aws/observe/observe.ts"],
    ["lib/mcp/tools/x.ts", "../tool.ts"],
    ["lib/mcp/x.ts", "../contract/task.ts"],
    ["lib/mcp/server.ts", "@modelcontextprotocol/server/http"],
    ["lambdas/mcp/handler.ts", "../../lib/system/aws.ts"],
    ["worker/frameworks/x.ts", "../job.ts"],
    ["lib/system/local.ts", "../engine/steps/handler.ts"],
    ["lib/system/local.ts", "../store/dynamodb/task-store.ts"],
    ["lib/infra/x.ts", "../store/dynamodb/table.ts"],
    ["lib/infra/x.ts", "../backends/agentcore/description.ts"],
    ["lib/client/x.ts", "@modelcontextprotocol/client"],
    ["bin/x.ts", "../lib/system/local.ts"],
  ])("allows %s to import %s", (file, target) => {
    expect(violationsOf(file, `import { x } from "${target}";`)).toEqual([]);
  });

  test("lets the MCP endpoint know what serves it, and not make it", () => {
    expect(violationsOf("lib/mcp/x.ts", 'import type { TaskService } from "../engine/service.ts";')).toEqual([]);
    const made = ['import { A } from "', 'export { A } from "', 'await import("'];
    for (const statement of made)
      for (const door of ["engine", "agents"])
        expect(violationsOf("lib/mcp/x.ts", `${statement}../${door}/service.ts")`), statement).toHaveLength(1);
  });

  test("forbids imports that only a variable names, and environment names outside the settings", () => {
    expect(violationsOf("worker/x.ts", "await import(name)")).toHaveLength(1);
    expect(violationsOf("worker/x.ts", 'env["AGENTDISPATCH_X"]')).toHaveLength(1);
    expect(violationsOf("lib/contract/execution-environment.ts", '"AGENTDISPATCH_X"')).toEqual([]);
  });
});

/** What no file of the tree says: paths of one machine, unfinished work, tests switched off, checks silenced. */
const unwanted: readonly [RegExp, RegExp][] = [
  // The home of the image's user is in every image.
  [/./, /(?<![\w.~-])\/(?:work|root|home(?!\/node\b))\//],
  [/./, /DEVELOPERS\.md/],
  [/./, /\b(?:TODO|FIXME|XXX)\b/],
  [/\.(?:ts|mjs)$/, /\bvi\.(?:do)?mock\b/i],
  [/\.(?:ts|mjs)$/, /\b(?:test|it|describe)(?:\.\w+)*\.(?:only|skip|todo)\b/],
  [/\.(?:ts|mjs)$/, /(?::|\bas|<)\s*any\s*(?:[;,)=\]>|&{[]|$)/m],
  [/\.(?:ts|mjs|jsonc?)$/, /@ts-(?:ignore|expect-error|nocheck)|biome-ignore/],
];

test("no file holds what does not belong in the tree", () => {
  const own = ["test/architecture.test.ts", "package-lock.json"];
  const found = files
    .filter((file) => !own.includes(file))
    .flatMap((file) => {
      const text = read(file);
      const broken = unwanted.filter(([where, what]) => where.test(file) && what.test(text));
      return broken.map(([, what]) => `${file}: ${what.exec(text)?.[0]}`);
    });
  expect(found).toEqual([]);
});

test.each([
  ["see /home/me/x"],
  ["`/work/x`"],
  ["// TODO later"],
  ["test.skip(1)"],
  ["describe.concurrent.only("],
  ["vi.mock(x)"],
  ["const a: any = 1"],
  ["x as any;"],
  ["Record<any>"],
  ["// @ts-ignore"],
])("the tree may not say %j", (text) => {
  expect(unwanted.some(([where, what]) => where.test("x.ts") && what.test(text))).toBe(true);
});

test.each([
  ["for any: one"],
  ["the /workspace/ folder"],
  ["HOME=/home/node"],
  ["https://example.com/home/x"],
  ["note: any client"],
])("the tree may say %j", (text) => {
  expect(unwanted.some(([where, what]) => where.test("x.ts") && what.test(text))).toBe(false);
});
