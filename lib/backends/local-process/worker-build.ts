import { createHash } from "node:crypto";
import { globSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { entry, forWorkers, nodeOptions } from "./worker-process.ts";

/** All that a worker runs, below the folder of the project; what it gets from others changes with the lock file. */
const sources = ["worker/**/*.ts", "lib/contract/**/*.ts", "package.json", "package-lock.json"];

/**
 * What makes one worker like another, in 8 hexadecimal digits: its code, by the times of its files (which a version does not
 * tell where somebody works on them), the program that runs it, and its settings.
 */
export function buildOfWorkers(): string {
  const root = dirname(dirname(entry));
  const files = globSync(sources, { cwd: root }).sort();
  const code = files.map((file) => [file, statSync(join(root, file)).mtimeMs]);
  const settings = [...forWorkers, "NODE_EXTRA_CA_CERTS"].map((name) => process.env[name] ?? null);
  const all = JSON.stringify([root, process.execPath, process.version, nodeOptions, settings, code]);
  return createHash("sha256").update(all).digest("hex").slice(0, 8);
}
