import { resolve } from "node:path";
import { environmentVariables } from "../../contract/execution-environment.ts";
import { commandName, quote } from "../cli/command-name.ts";
import type { LocalPlace } from "../http/door.ts";

/**
 * The command that starts the system of a place in the foreground, as it may be typed in any folder: whoever reads it sees it
 * in another program, which may have been told the place by variables.
 */
export function startCommand({ config, stateDir }: LocalPlace, env: NodeJS.ProcessEnv = process.env): string {
  const file = config ?? env[environmentVariables.configFile];
  const folder = stateDir ?? env[environmentVariables.stateDir];
  const words = [...(file ? ["--config", resolve(file)] : []), ...(folder ? ["--state-dir", resolve(folder)] : [])];
  return [commandName(), "local", ...words.map(quote)].join(" ");
}
