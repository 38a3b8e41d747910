import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { plugins } from "../infra/bundle-plugins.ts";
import { childEntry, childName, imagePackage, workerEntry } from "../infra/worker-image.ts";
import { builtinsAsUsed, withRequire } from "./builtins.ts";
import { noticesFor } from "./notices.ts";
import { bundleTypes } from "./types.ts";

const root = resolve(import.meta.dirname, "../..");

/** Where the package is made, below the folder of the project; package.json names it. */
const packageOutput = "dist/package";

/** Programs that are built together share what they have in common; each is named for its file. */
type Part = Pick<BuildOptions, "external"> & {
  entries: Readonly<Record<string, string>>;
  /** The oldest Node that runs it. */
  target: `node${number}`;
  /** The folder of its files; else that of the package. */
  folder?: string;
  /** Whether what is imported when first needed is not even read before. */
  splitting?: boolean;
};

const clientEntry = "lib/client/sdk/index.ts";
/** What of the SDK of AWS clients load when they first need it. */
const awsEntry = "lib/client/http/aws.ts";

/** What the package is made of. The files of a folder lie side by side, so that each finds the others from where it is. */
const parts: readonly Part[] = [
  {
    entries: {
      "agent-dispatch": "bin/agent-dispatch.ts",
      "agentdispatch-mcp": "bin/agentdispatch-mcp.ts",
      client: clientEntry,
    },
    target: "node22",
  },
  // The bridge is one file, with the SDK of AWS in another: so each has of the libraries that they share what it uses.
  { entries: { bridge: "bin/bridge.ts" }, target: "node20", splitting: false },
  { entries: { aws: awsEntry }, target: "node20", splitting: false },
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
  const metafiles = await Promise.all(parts.map((part) => buildPart(part, out)));
  await bundleTypes(root, out, "client", clientEntry);
  // The worker is a program: there is nothing to import from it.
  await writeFile(join(out, "worker/main.d.mts"), "export {};\n");
  await copyFile(join(root, definition), join(out, basename(definition)));
  const bundled = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs)),
  );
  await writeFile(join(out, "THIRD-PARTY-NOTICES.txt"), await noticesFor(root, bundled));
}

/** Leaves what clients need of the SDK of AWS to the file that it is built into. */
const awsApart: Plugin = {
  name: "aws-apart",
  setup: ({ onResolve }) => {
    onResolve({ filter: /[\\/]aws\.ts$/ }, ({ path, resolveDir, kind }) =>
      kind === "dynamic-import" && join(resolveDir, path) === join(root, awsEntry)
        ? { path: "./aws.mjs", external: true }
        : undefined,
    );
  },
};

async function buildPart(
  { entries, target, folder = ".", external = [], splitting = true }: Part,
  out: string,
): Promise<Metafile> {
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
    splitting,
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
  return metafile;
}
