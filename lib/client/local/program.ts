import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../../../package.json" with { type: "json" };
import { RefusedError } from "../../contract/errors.ts";

import type { LocalPlace } from "../http/door.ts";
import { startCommand } from "./command.ts";

/** In a package that is installed, and in a clone. */
const LAUNCHER = "bin/agent-dispatch.js";

/** The command line of the package that this code is part of. Throws RefusedError `local.not_running` where there is none. */
export function commandLine(place: LocalPlace): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const launcher = join(folder, LAUNCHER);
    if (existsSync(launcher) && nameOf(folder) === manifest.name) return launcher;
    if (folder === dirname(folder)) break;
  }
  throw new RefusedError("local.not_running", "no local system is running, and its program is not here to be started", {
    hint: `install ${manifest.name}, and start one with: ${startCommand(place)}`,
  });
}

function nameOf(folder: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).name;
  } catch {
    return undefined;
  }
}
