import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bundle, deployedEntries, loadedAtOnce, needsRequire, sizeBudgets } from "../../lib/infra/bundle.ts";
import { bridgeEntry, childEntry, imagePackage, workerEntry } from "../../lib/infra/worker-image.ts";
import manifest from "../../package.json" with { type: "json" };
import { temporaryFolder } from "../worker/start-worker.ts";

const root = join(import.meta.dirname, "../..");
/** What lies in the image as it is, and what a library offers to work with that nobody here uses. */
const besideTheBundle = new Set<string>([imagePackage.name, "@aws/bedrock-token-generator"]);
const measured = Object.keys(sizeBudgets) as (keyof typeof sizeBudgets)[];

describe.each([...new Set([...deployedEntries(), ...measured])])("the bundle of %s", async (entry) => {
  const out = temporaryFolder();
  const { file, bytes, metafile } = await bundle(entry, out);
  const folder = join(file, "..");
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));

  test("stays in its budget", () => {
    expect(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)).toBe(bytes);
    expect(bytes).toBeLessThanOrEqual(sizeBudgets[entry as keyof typeof sizeBudgets] ?? 1_500_000);
  });

  test("knows the version, and nothing else of the manifest or of this machine", () => {
    const said = (text: string) => texts.some((one) => one.includes(text));
    expect(said(manifest.version)).toBe(true);
    expect(said("devDependencies")).toBe(false);
    expect(said(manifest.description)).toBe(false);
    expect(said(root)).toBe(false);
    expect(said("sourceMappingURL")).toBe(false);
    const maps = readdirSync(join(out, "maps"), { recursive: true, withFileTypes: true }).filter((map) => map.isFile());
    expect(maps).toHaveLength(texts.length);
    expect(maps.filter((map) => readFileSync(join(map.parentPath, map.name), "utf8").includes(root))).toEqual([]);
  });

  test("holds nothing that only tests serve", () => {
    expect(Object.keys(metafile.inputs).filter((name) => name.startsWith("test/"))).toEqual([]);
  });

  test("needs no package and no `require` at run time", () => {
    const outside = Object.values(metafile.outputs).flatMap(({ imports }) =>
      imports.filter(({ external }) => external),
    );
    const packages = outside.map(({ path }) => path).filter((path) => !isBuiltin(path) && !besideTheBundle.has(path));
    expect(packages).toEqual([]);
    // Only files that need it have a `require`, which knows the parts of Node.
    const isHelped = (text: string) => text.startsWith('import{createRequire as requireFrom}from"node:module"');
    expect(texts.some((text) => text.includes("Dynamic require of") && !isHelped(text))).toBe(false);
    expect(texts.some(isHelped)).toBe(needsRequire(entry));
  });

  test("loads no AWS client at once", () => {
    const modules = [...loadedAtOnce(metafile, entry)];
    expect(modules).toContain(entry);
    expect(modules.filter((name) => /node_modules\/@(?:aws-sdk|smithy)\//.test(name))).toEqual([]);
  });

  test("loads what makes spans only for a trace that is sampled", () => {
    const isOfSpans = (name: string) => /aws-xray-sdk-core|powertools\/tracer|cls-hooked/.test(name);
    expect([...loadedAtOnce(metafile, entry)].filter(isOfSpans)).toEqual([]);
    const all = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
    expect(all.some(isOfSpans)).toBe(entry.startsWith("lambdas/"));
  });
});

test("the worker loads nothing of a protocol, or of a framework, before it is used", async () => {
  const { metafile } = await bundle("worker/main.ts", temporaryFolder());
  const modules = [...loadedAtOnce(metafile, "worker/main.ts")];
  const packages = modules.flatMap((name) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? []);
  expect(new Set(packages)).toEqual(new Set(["shlex", "zod"]));
  expect(modules.filter((name) => /^worker\/protocols\/(a2a|mcp|ag-ui)/.test(name))).toEqual([]);
});

test("what is imported later lies in files of its own", async () => {
  const entry = "test/infra/fixtures/loads-later.ts";
  const { file, metafile } = await bundle(entry, temporaryFolder());
  const modules = [...loadedAtOnce(metafile, entry)];
  expect(modules).toContain("node_modules/shlex/shlex.js");
  expect(modules.filter((name) => name.includes("/zod/"))).toEqual([]);
  const { parse } = (await import(file)) as { parse(text: string): Promise<unknown> };
  expect(await parse("a 'b c'")).toEqual(["a", "b c"]);
});

test("the worker loads no framework before it is used", async () => {
  const { metafile } = await bundle(workerEntry, temporaryFolder());
  const isLate = (name: string) => /^worker\/frameworks\/(programs|strands)\//.test(name);
  const all = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  expect(all.filter(isLate)).not.toEqual([]);
  expect([...loadedAtOnce(metafile, workerEntry)].filter(isLate)).toEqual([]);
});

test("the worker is deployed, and the programs that it starts", () => {
  expect(deployedEntries()).toEqual(expect.arrayContaining(["worker/main.ts", childEntry, bridgeEntry]));
});
