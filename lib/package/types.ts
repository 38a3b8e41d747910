import { join } from "node:path";
import { type Plugin, rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";

/** Writes the types of an entry as one file, `<name>.d.mts`, into `out`: with all that they take from packages, such as zod. */
export async function bundleTypes(root: string, out: string, name: string, entry: string): Promise<void> {
  const quiet = { info: () => {}, warn: () => {}, error: console.error };
  const bundle = await rolldown({
    cwd: root,
    input: { [name]: entry },
    plugins: [
      withoutLanguages,
      dts({ cwd: root, tsconfig: join(root, "tsconfig.types.json"), emitDtsOnly: true, logger: quiet }),
    ],
    external: /^node:/,
    // How long its plugins took. What matters throws.
    checks: { bundlerTimings: false },
  });
  try {
    await bundle.write({ dir: out, entryFileNames: "[name].mjs" });
  } finally {
    await bundle.close();
  }
}

const NO_LANGUAGES = "no-languages.d.cts";

/** The messages of zod in fifty languages: nothing of ours names them. */
const withoutLanguages: Plugin = {
  name: "without-languages",
  resolveId: { order: "pre", filter: { id: /\/locales\/index\.cjs$/ }, handler: () => NO_LANGUAGES },
  load: {
    filter: { id: new RegExp(`^${NO_LANGUAGES}$`) },
    handler: () => "export declare const languages: undefined;",
  },
};
