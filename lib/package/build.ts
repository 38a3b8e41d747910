import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { plugins } from "../infra/bundle-plugins.ts";
import { childEntry, childName, imagePackage, workerEntry } from "../infra/worker-image.ts";
import { awsEntry, awsFile } from "./aws-apart.ts";
import { builtinsAsUsed, withRequire } from "./builtins.ts";
import { noticesFor } from "./notices.ts";
import { bundlePrograms, type Programs } from "./programs.ts";
import { bundleTypes } from "./types.ts";

const root = resolve(import.meta.dirname, "../..");

/** Where the package is made, below the folder of the project; package.json names it. */
const packageOutput = "dist/package";

/** What is built together shares what it has in common; each is named for its file. */
type Part = Pick<BuildOptions, "external"> & {
  entries: Readonly<Record<string, string>>;
  /** The oldest Node that runs it. */
  target: `node${number}`;
  /** The folder of its files; else that of the package. */
  folder?: string;
};

const clientEntry = "lib/client/sdk/index.ts";

/** What people start. The files of a folder lie side by side, so that each finds the others from where it is. */
const programs = {
  commands: {
    entries: { "agent-dispatch": "bin/agent-dispatch.ts", "agentdispatch-mcp": "bin/agentdispatch-mcp.ts" },
    target: "node22",
  },
  // A program of its own: a client waits for it, and it runs where nothing else of this does.
  bridge: { entries: { bridge: "bin/bridge.ts" }, target: "node20", whole: true },
} as const satisfies Record<string, Programs>;

const aws: Part = { entries: { aws: awsEntry }, target: "node20" };

/** What others import or start. */
const modules: readonly Part[] = [
  { entries: { client: clientEntry }, target: "node22" },
  { entries: { main: workerEntry }, target: "node22", folder: "worker" },
  { entries: { [childName]: childEntry }, target: "node22", folder: "worker", external: [imagePackage.name] },
];

const definition = "lib/workflow/dispatch.asl.json";

/**
 * Builds the package into `out`, which is emptied first: its programs with their source maps, the types of its library, the
 * definition of the workflow, and the notices of all that was bundled. The same tree gives the same bytes.
 */
export async function buildPackage(out = join(root, packageOutput)): Promise<void> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const bundled = await Promise.all([
    bundlePrograms(root, placeOf(out), programs.commands),
    ...modules.map((part) => buildPart(part, out)),
    buildBridge(out),
  ]);
  await bundleTypes(root, out, "client", clientEntry);
  // The worker is a program: there is nothing to import from it.
  await writeFile(join(out, "worker/main.d.mts"), "export {};\n");
  await copyFile(join(root, definition), join(out, basename(definition)));
  const files = bundled.flat().map((file) => relative(root, resolve(root, file)));
  await writeFile(join(out, "THIRD-PARTY-NOTICES.txt"), await noticesFor(root, files));
}

/** The bridge alone, with what it loads, into a folder that is there; resolves with the files that it is made of. */
export async function buildBridge(out: string): Promise<string[]> {
  return (await Promise.all([bundlePrograms(root, placeOf(out), programs.bridge), buildPart(aws, out)])).flat();
}

/** Maps name their sources from the place of the package, so that they are the same wherever it is made. */
const placeOf = (out: string) => ({ out, place: join(root, packageOutput) });

/** Leaves what clients need of the SDK of AWS to the file that it is built into. */
const awsApart: Plugin = {
  name: "aws-apart",
  setup: ({ onResolve }) => {
    onResolve({ filter: /[\\/]aws\.ts$/ }, ({ path, resolveDir, kind }) =>
      kind === "dynamic-import" && join(resolveDir, path) === join(root, awsEntry)
        ? { path: awsFile, external: true }
        : undefined,
    );
  },
};

async function buildPart({ entries, target, folder = ".", external = [] }: Part, out: string): Promise<string[]> {
  const [first = ""] = Object.keys(entries);
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: Object.entries(entries).map(([name, file]) => ({ in: file, out: name })),
    // Nothing is written there: a map names its sources from here, so that it is the same wherever the package is made.
    outdir: join(packageOutput, folder),
    outExtension: { ".js": ".mjs" },
    chunkNames: `${first}-[hash]`,
    write: false,
    metafile: true,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target,
    mainFields: ["module", "main"],
    // Names stay, so that a stack trace can be read; the sources behind a map are public.
    minifyWhitespace: true,
    minifySyntax: true,
    sourcemap: "linked",
    sourcesContent: false,
    legalComments: "none",
    logLevel: "warning",
    plugins: [...plugins, builtinsAsUsed, awsApart],
    external,
    banner: { js: withRequire },
  });
  for (const { path, contents } of outputFiles) {
    const file = join(out, folder, basename(path));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, contents);
  }
  return Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
}
