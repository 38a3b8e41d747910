import { basename, join } from "node:path";
import { build } from "esbuild";

const bridge = join(import.meta.dirname, "../../../lib/client/bridge/main.ts");

/** Bundles the bridge, or another program that does the same, as the package does into a folder; gives its file. */
export async function bundleBridge(folder: string, entry = bridge): Promise<string> {
  const name = basename(entry, ".ts");
  await build({
    entryPoints: { [name]: entry },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    minify: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    mainFields: ["module", "main"],
    logLevel: "warning",
  });
  return join(folder, `${name}.mjs`);
}
