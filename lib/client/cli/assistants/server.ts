import { join, resolve } from "node:path";
import { environmentVariables } from "../../../contract/execution-environment.ts";
import { packageFolder } from "../command-name.ts";
import type { Io } from "../io.ts";
import type { Server } from "./assistant.ts";
import { stablePath } from "./on-path.ts";

/** Which system an assistant is connected to: a deployed one, or that of this machine. */
export type Connection = {
  endpoint?: string;
  stack?: string;
  region?: string;
  service?: string;
  profile?: string;
  config?: string;
  stateDir?: string;
};

/** What stands for each of them behind `agent-dispatch bridge`. */
const words: Record<keyof Connection, string> = {
  endpoint: "--endpoint",
  stack: "--stack",
  region: "--region",
  service: "--service",
  profile: "--profile",
  config: "--config",
  stateDir: "--state-dir",
};

/**
 * How an assistant starts the bridge to that system: by absolute paths, because one that was started from a desktop knows
 * neither the person's PATH nor their folder.
 */
export function bridgeServer(to: Connection, env: Io["env"]): Server {
  const options = (Object.keys(words) as (keyof Connection)[]).flatMap((name) => {
    const value = to[name];
    return value === undefined ? [] : [words[name], name === "config" || name === "stateDir" ? resolve(value) : value];
  });
  const script = join(packageFolder, "bin", "agent-dispatch.js");
  return { command: stablePath(process.execPath, "node", env), args: [script, "bridge", ...options] };
}

/** What the registered words of a bridge say. */
export const connectionOf = ({ args }: Server): Connection =>
  Object.fromEntries(
    Object.entries(words).flatMap(([name, word]) => {
      const at = args.indexOf(word);
      return at < 0 ? [] : [[name, args[at + 1]]];
    }),
  );

/** The connection that is meant where nothing says another: the variables of this terminal hold for no assistant. */
export function withVariables(said: Connection, env: Io["env"]): Connection {
  if (said.endpoint !== undefined || said.stack !== undefined) {
    const profile = said.profile ?? env.AWS_PROFILE;
    return { ...said, ...(profile && { profile }) };
  }
  const endpoint = env[environmentVariables.endpoint];
  const stack = env[environmentVariables.stack];
  if (said.config === undefined && said.stateDir === undefined && (endpoint || stack))
    return withVariables({ ...said, ...(endpoint ? { endpoint } : stack && { stack }) }, env);
  const config = said.config ?? env[environmentVariables.configFile];
  const stateDir = said.stateDir ?? env[environmentVariables.stateDir];
  return { ...said, ...(config && { config }), ...(stateDir && { stateDir }) };
}
