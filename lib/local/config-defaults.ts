import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { ConfigurationInput } from "../domain/profile.ts";

/** What is there without a file, and stays there below what a file says: jobs run on this machine. */
const builtIn = {
  accounts: { local: { provider: "local", credentialSource: "none" } },
  backends: { local: { adapter: "local-process", account: "local" } },
  runtimes: { local: { backend: "local", target: { mode: "session" }, framework: "echo" } },
  defaults: { runtime: "local" },
} satisfies ConfigurationInput;

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Adds the built-in parts; what the user named wins. What is not an object is left for the schema to refuse. */
export function withBuiltIn(input: unknown): unknown {
  if (!isObject(input)) return input;
  const merged: JsonObject = { ...input };
  for (const [part, entries] of Object.entries(builtIn)) {
    const theirs = Object.hasOwn(input, part) ? input[part] : {};
    if (isObject(theirs)) merged[part] = { ...entries, ...theirs };
  }
  return merged;
}

/** The folder for state that no setting names: where this platform keeps a user's data. */
export function userDataDir(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): string {
  const home = env.HOME || homedir();
  if (platform === "darwin") return join(home, "Library", "Application Support", "agent-dispatch");
  // The specification tells to ignore a relative path: https://specifications.freedesktop.org/basedir-spec/latest/
  const data = env.XDG_DATA_HOME && isAbsolute(env.XDG_DATA_HOME) ? env.XDG_DATA_HOME : join(home, ".local", "share");
  return join(data, "agent-dispatch");
}
