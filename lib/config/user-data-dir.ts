import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** The folder for state that no setting names: where this platform keeps a user's data. */
export function userDataDir(env: Readonly<Record<string, string | undefined>>, platform: NodeJS.Platform): string {
  const home = env.HOME || homedir();
  if (platform === "darwin") return join(home, "Library", "Application Support", "agent-dispatch");
  // The specification tells to ignore a relative path: https://specifications.freedesktop.org/basedir-spec/latest/
  const data = env.XDG_DATA_HOME && isAbsolute(env.XDG_DATA_HOME) ? env.XDG_DATA_HOME : join(home, ".local", "share");
  return join(data, "agent-dispatch");
}
