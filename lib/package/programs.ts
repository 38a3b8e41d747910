import { writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Plugin, rolldown } from "rolldown";
import { lightValidators, nameAndVersion } from "../infra/bundle-plugins.ts";
import { awsEntry, awsFile } from "./aws-apart.ts";
import { isBuiltin, moduleFor, nameOfBuiltin } from "./builtins.ts";

/** What commands that ask a system need, in one file: each file of its own takes half a millisecond of every start. */
const common =
  /[\\/](?:lib[\\/](?:contract|config|client[\\/](?:http|local|sdk|cli[\\/](?:tasks[\\/]|systems[\\/]|commands[\\/]run\.|[\w-]+\.ts)))|node_modules[\\/](?:cli-table3|commander|emoji-regex|eventsource-parser|string-width|strip-ansi|yocto-spinner|zod)[\\/])/;

export type Programs = {
  /** The file of each, by its name. */
  entries: Readonly<Record<string, string>>;
  /** The oldest Node that runs them. */
  target: `node${number}`;
  /** Whether each is one file, where nothing is left to be read later. */
  whole?: boolean;
};

/**
 * Bundles programs into the folder `out`, which is made as if it were `place`: as CommonJS, which is what the launcher can
 * start from V8's code cache. Resolves with the files that they are made of.
 */
export async function bundlePrograms(
  root: string,
  { out, place }: { out: string; place: string },
  { entries, target, whole = false }: Programs,
): Promise<string[]> {
  const bundle = await rolldown({
    cwd: root,
    input: { ...entries },
    platform: "node",
    transform: { target },
    resolve: { mainFields: ["module", "main"], alias: lightValidators },
    plugins: [awsApart(root), versionOnly, builtinsRead],
    preserveEntrySignatures: false,
    checks: { bundlerTimings: false, ineffectiveDynamicImport: false },
  });
  try {
    const [first = ""] = Object.keys(entries);
    const { output } = await bundle.generate({
      dir: place,
      format: "cjs",
      entryFileNames: "[name].cjs",
      chunkFileNames: `${first}-[name].cjs`,
      // Whatever lies in one file with it, nothing is evaluated before it is imported.
      strictExecutionOrder: true,
      codeSplitting: whole ? false : { groups: [{ name: "common", test: common }] },
      // Names stay, so that a stack trace can be read; the sources behind a map are public.
      minify: { compress: true, mangle: false, codegen: true },
      comments: false,
      sourcemap: true,
      sourcemapExcludeSources: true,
    });
    for (const file of output)
      await writeFile(join(out, file.fileName), file.type === "chunk" ? file.code : file.source);
    return output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
  } finally {
    await bundle.close();
  }
}

/** Leaves what clients need of the SDK of AWS to the file that it is built into. */
const awsApart = (root: string): Plugin => ({
  name: "aws-apart",
  resolveId: {
    order: "pre",
    filter: { id: /[\\/]aws\.ts$/ },
    handler: (id, importer, { kind }) =>
      kind === "dynamic-import" && importer && resolve(dirname(importer), id) === join(root, awsEntry)
        ? { id: awsFile, external: true }
        : null,
  },
});

/** Of a manifest nothing but name and version is packed. */
const versionOnly: Plugin = {
  name: "version-only",
  load: {
    filter: { id: /[\\/]package\.json$/ },
    handler: (id) => ({ code: nameAndVersion(id), moduleType: "json" }),
  },
};

const BUILTIN = "\0builtin:";

/** As `builtinsAsUsed`, for what is in the common file; what others import of Node is read when they are. */
const builtinsRead: Plugin = {
  name: "builtins-as-used",
  resolveId: {
    order: "pre",
    filter: { id: /^[^./]/ },
    handler: (id, importer, { kind }) =>
      isBuiltin(id) && kind === "import-statement" && importer && common.test(importer)
        ? { id: BUILTIN + nameOfBuiltin(id), moduleSideEffects: false }
        : null,
  },
  load: { filter: { id: /^\0builtin:/ }, handler: (id) => moduleFor(id.slice(BUILTIN.length)) },
};
