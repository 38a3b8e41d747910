import { join } from "node:path";
import { build } from "esbuild";

/** Bundles the bridge as the package does into a folder; gives its file. */
export async function bundleBridge(folder: string): Promise<string> {
  await build({
    entryPoints: { bridge: join(import.meta.dirname, "../../../lib/client/bridge/main.ts") },
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
  return join(folder, "bridge.mjs");
}
