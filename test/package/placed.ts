import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { buildBridge } from "../../lib/package/build.ts";

const root = join(import.meta.dirname, "../..");

/** Puts the bridge into a folder, as the package has it, with what starts it; resolves with the command that a client runs. */
export async function placeBridge(folder: string): Promise<string> {
  const place = join(folder, "dist/package");
  await Promise.all([place, join(folder, "bin")].map((path) => mkdir(path, { recursive: true })));
  const launchers = ["bin/agent-dispatch.js", "bin/launch.js", "bin/start-built.js"];
  for (const file of [...launchers, "package.json"]) await copyFile(join(root, file), join(folder, file));
  await buildBridge(place);
  return join(folder, "bin/agent-dispatch.js");
}
