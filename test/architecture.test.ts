import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf, violationsOf } from "./architecture.ts";

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

describe("the checker", () => {
  test.each([
    ['import { a } from "./b.ts";', ["lib/domain/b.ts"]],
    ['import type { A } from "../aws/b.ts";', ["lib/aws/b.ts"]],
    ['import {\n  a,\n  type B,\n} from "zod/v4";', ["zod/v4"]],
    ['export * from "../local/b.ts";\nexport type { C } from "c";', ["lib/local/b.ts", "c"]],
    ['import "./effect.ts";', ["lib/domain/effect.ts"]],
    ['const a = await import("node:fs");', ["node:fs"]],
    ['let a: import("../../worker/b.ts").B;', ["worker/b.ts"]],
    ['const a = createRequire(import.meta.url); require("d");', ["d"]],
    ['import a from "./a.json" with { type: "json" };', ["lib/domain/a.json"]],
    ['const words = `comes from "somewhere"`;', []],
  ])("sees what %j imports", (source, imports) => {
    expect(importsOf("lib/domain/x.ts", source)).toEqual(imports);
  });

  test.each([
    ["lib/domain/x.ts", "node:fs"],
    ["lib/domain/x.ts", "../local/task-store.ts"],
    ["lib/domain/x.ts", "zodiac"],
    ["lambdas/mcp/tools/x.ts", "../../../lib/local/task-store.ts"],
    ["lambdas/mcp/tools/x.ts", "@modelcontextprotocol/server"],
    ["lib/mcp/server.ts", "../../lib/aws/task-store.ts"],
    ["lambdas/workflow/steps/x.ts", "../../mcp/server.ts"],
    ["lambdas/workflow/steps/x.ts", "@aws-sdk/client-sfn"],
    ["worker/x.ts", "../lib/local/system.ts"],
    ["worker/x.ts", "commander"],
    ["lib/client/x.ts", "../local/system.ts"],
    ["lib/client/x.ts", "../aws/task-store.ts"],
    ["lib/client/x.ts", "../../lambdas/mcp/server.ts"],
    ["lib/local/x.ts", "../client/print.ts"],
    ["lib/local/x.ts", "../aws/task-store.ts"],
    ["lib/local/x.ts", "../../lambdas/mcp/tools/spawn.ts"],
    ["lib/local/x.ts", "../../worker/main.ts"],
    ["lib/infra/x.ts", "../../lambdas/mcp/handler.ts"],
    ["lib/infra/x.ts", "../aws/task-store.ts"],
    ["lib/infra/x.ts", "../../worker/main.ts"],
    ["bin/x.ts", "../test/fixtures/x.ts"],
    ["lambdas/mcp/handler.ts", "../../lib/local/system.ts"],
    ["elsewhere/x.ts", "zod"],
  ])("forbids %s to import %s", (file, target) => {
    expect(violationsOf(file, `import type { X } from "${target}";`)).not.toEqual([]);
  });

  test.each([
    ["lib/domain/x.ts", "./task.ts"],
    ["lambdas/mcp/tools/x.ts", "../../../lib/domain/task.ts"],
    ["lib/mcp/server.ts", "@modelcontextprotocol/server/http"],
    ["lambdas/mcp/handler.ts", "../../lib/aws/task-store.ts"],
    ["worker/frameworks/x.ts", "../job.ts"],
    ["lib/system/local.ts", "../../lambdas/workflow/steps/index.ts"],
    ["lib/system/local.ts", "../aws/task-store.ts"],
    ["lib/infra/x.ts", "../aws/table.ts"],
    ["lib/client/x.ts", "@modelcontextprotocol/client"],
    ["bin/x.ts", "../lib/local/system.ts"],
  ])("allows %s to import %s", (file, target) => {
    expect(violationsOf(file, `import { x } from "${target}";`)).toEqual([]);
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
