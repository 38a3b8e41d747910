import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { entry, forWorkers, isSource, nodeOptions } from "./worker-process.ts";

/** All that a worker runs, below the folder of the project; what it gets from others changes with the lock file. */
const sources = ["worker/**/*.ts", "lib/contract/**/*.ts", "package.json", "package-lock.json"];

/**
 * What makes one worker like another, in 8 hexadecimal digits: its code, the program that runs it, and its settings. Code
 * that somebody works on is told by the times of its files, which a version does not tell; what was installed by what is in
 * them, since npm gives the files of all versions one time.
 */
export function buildOfWorkers(): string {
  const root = dirname(dirname(entry));
  const files = globSync(isSource ? sources : "worker/*.mjs", { cwd: root }).sort();
  const code = files.map((file) => [file, isSource ? statSync(join(root, file)).mtimeMs : hashOf(join(root, file))]);
  const settings = [...forWorkers, "NODE_EXTRA_CA_CERTS"].map((name) => process.env[name] ?? null);
  const all = JSON.stringify([root, process.execPath, process.version, nodeOptions, settings, code]);
  return createHash("sha256").update(all).digest("hex").slice(0, 8);
}

const hashOf = (file: string): string => createHash("sha256").update(readFileSync(file)).digest("hex");
