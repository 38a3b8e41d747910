import { existsSync, readdirSync } from "node:fs";
import { copyFile, cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { build, type Metafile } from "esbuild";
import { plugins, withRequire } from "./bundle-plugins.ts";
import { agentFolder, besideWorker, childEntry, imageFiles, imagePackage, workerEntry } from "./worker-image.ts";

const root = resolve(import.meta.dirname, "../..");

/**
 * Most bytes of what an entry becomes, all its files together: about 15 % above what it takes. One `import { z } from
 * "zod"` costs 350,000: only `import * as z` lets the bundler leave out what is not used, the languages above all.
 */
export const sizeBudgets = {
  "worker/main.ts": 710_000,
  "worker/frameworks/strands/child.ts": 2_100_000,
  "lib/client/bridge/main.ts": 540_000,
  "lib/mcp/server.ts": 435_000,
  "lambdas/mcp/handler.ts": 2_495_000,
  "lambdas/workflow/handler.ts": 2_200_000,
  "lambdas/janitor/handler.ts": 2_165_000,
  "lambdas/operator/handler.ts": 2_400_000,
} as const;

/** What an entry file became: its main file, the bytes of all its files, and which module went where. */
export type Bundle = { file: string; bytes: number; metafile: Metafile };

/** The programs that are deployed, as paths in the repository: the worker, what it starts, and each handler. */
export function deployedEntries(): string[] {
  const handlers = readdirSync(join(root, "lambdas")).map((name) => `lambdas/${name}/handler.ts`);
  return [
    workerEntry,
    ...Object.keys(besideWorker),
    ...handlers.filter((entry) => existsSync(join(root, entry))).sort(),
  ];
}

/**
 * Bundles everything that is deployed: `<out>/worker` is the build context of the worker's image, `<out>/lambdas/<name>`
 * the code of a function. The stack takes these folders as they are.
 *
 * @example await bundleAll("dist");
 */
export async function bundleAll(out: string): Promise<Map<string, Bundle>> {
  const bundles = new Map<string, Bundle>();
  for (const entry of deployedEntries()) bundles.set(entry, await bundle(entry, out));
  for (const [name, source] of Object.entries(imageFiles)) {
    if (source !== workerEntry) await copyFile(join(root, source), join(out, dirname(workerEntry), name));
  }
  await copyPackage(out);
  await copyAgent(out);
  return bundles;
}

/** Puts the package that is not bundled into the build context of the worker's image. */
async function copyPackage(out: string): Promise<void> {
  const { name, without } = imagePackage;
  const source = join(root, "node_modules", name);
  const leftOut = without.map((path) => join(source, path));
  const isWanted = (path: string) => !leftOut.includes(path) && !path.endsWith(".d.ts");
  await cp(source, join(out, dirname(workerEntry), "node_modules", name), { recursive: true, filter: isWanted });
}

/**
 * Puts the files of an agent, all but its `.git`, into the build context of the worker's image, in place of what is there;
 * without a folder there are none.
 */
export async function copyAgent(out: string, folder?: string): Promise<void> {
  const target = join(out, dirname(workerEntry), agentFolder);
  await rm(target, { recursive: true, force: true });
  await mkdir(target, { recursive: true });
  if (folder === undefined) return;
  const isWanted = (path: string) => basename(path) !== ".git";
  // Links as they are: one that leads out of the folder leads nowhere in the image.
  await cp(folder, target, { recursive: true, verbatimSymlinks: true, filter: isWanted });
}

/**
 * Bundles one entry into the folder below `out` that is named like its own, which is emptied first; what the worker starts lies
 * beside the worker. Source maps go to `<out>/maps`: they are for whoever reads a stack trace, and no part of what is
 * deployed.
 */
export async function bundle(entry: string, out: string): Promise<Bundle> {
  const beside = besideWorker[entry];
  const place = dirname(beside === undefined ? entry : workerEntry);
  const name = beside ?? basename(entry, ".ts");
  const folder = join(out, place);
  const maps = join(out, "maps", place);
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [{ in: entry, out: name }],
    // Nothing is written there: a map names its sources from here, so that it is the same wherever it is put.
    outdir: join("dist", place),
    outExtension: { ".js": ".mjs" },
    write: false,
    metafile: true,
    bundle: true,
    minify: true,
    // What is imported when first needed is not even read before.
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    sourcemap: "external",
    legalComments: "none",
    logLevel: "warning",
    plugins: [...plugins],
    chunkNames: `${name}-[hash]`,
    ...(entry === childEntry && { external: [imagePackage.name] }),
    ...(needsRequire(entry) && { banner: { js: withRequire } }),
  });
  await mkdir(folder, { recursive: true });
  await mkdir(maps, { recursive: true });
  for (const emptied of [folder, maps]) {
    const before = await readdir(emptied);
    const own = before.filter((file) => beside === undefined || file.startsWith(beside));
    await Promise.all(own.map((file) => rm(join(emptied, file), { recursive: true, force: true })));
  }
  let bytes = 0;
  for (const { path, contents } of outputFiles) {
    const isMap = path.endsWith(".map");
    await writeFile(join(isMap ? maps : folder, basename(path)), contents);
    if (!isMap) bytes += contents.byteLength;
  }
  return { file: join(folder, `${name}.mjs`), bytes, metafile };
}

/** Whether some of what an entry becomes asks for parts of Node as CommonJS does: the libraries of an agent, and of traces. */
export const needsRequire = (entry: string): boolean => entry === childEntry || entry.startsWith("lambdas/");

/** The modules that run as soon as the entry is imported, as paths in the repository: without what it loads later. */
export function loadedAtOnce({ outputs }: Metafile, entry: string): Set<string> {
  const modules = new Set<string>();
  const seen = new Set<string>();
  const visit = (name: string) => {
    const output = outputs[name];
    if (!output || seen.has(name)) return;
    seen.add(name);
    for (const input of Object.keys(output.inputs)) modules.add(input);
    for (const { kind, path } of output.imports) if (kind === "import-statement") visit(path);
  };
  for (const [name, { entryPoint }] of Object.entries(outputs)) if (entryPoint === entry) visit(name);
  return modules;
}
