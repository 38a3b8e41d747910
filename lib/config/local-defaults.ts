import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { ConfigurationInput } from "../contract/configuration.ts";
import { isObject, type JsonObject } from "../contract/json.ts";
import { withBuiltIn } from "./built-in.ts";

/** What is there without a file: jobs run on this machine. */
const localDefaults = {
  accounts: { local: { provider: "local", credentialSource: "none" } },
  backends: { local: { adapter: "local-process", account: "local" } },
  runtimes: { local: { backend: "local", target: { mode: "session" } } },
  defaults: { runtime: "local" },
} satisfies ConfigurationInput;

/**
 * A configuration as it was written, over what is there without a file. A file that names accounts means those and no others:
 * jobs run on this machine only where it names the account `local` too.
 */
export const withLocalDefaults = (input: unknown): unknown =>
  isObject(input) && isObject(input.accounts) && !hasLocal(input.accounts) ? input : withBuiltIn(localDefaults, input);

const hasLocal = ({ local, ...others }: JsonObject): boolean =>
  isObject(local) ? local.provider === "local" : Object.keys(others).length === 0;

/** The folder for state that no setting names: where this platform keeps a user's data. */
export function userDataDir(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): string {
  const home = env.HOME || homedir();
  if (platform === "darwin") return join(home, "Library", "Application Support", "agent-dispatch");
  // The specification tells to ignore a relative path: https://specifications.freedesktop.org/basedir-spec/latest/
  const data = env.XDG_DATA_HOME && isAbsolute(env.XDG_DATA_HOME) ? env.XDG_DATA_HOME : join(home, ".local", "share");
  return join(data, "agent-dispatch");
}
