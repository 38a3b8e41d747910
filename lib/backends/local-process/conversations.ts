import { readdir, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { conversationIdSchema } from "../../contract/task-id.ts";

const DAY_MS = 86_400_000;

type Environment = Readonly<Record<string, string | undefined>>;
type Retention = { retentionDays: number; nowMs: number; env?: Environment };
/** A folder, and what of ours a file in it is a part of; undefined for what is not ours. */
type Kept = { root: string; partOf(name: string): string | undefined };

/** Where workers on this machine keep what their turns of conversations need, a folder each. */
export const conversationsIn = (stateDir: string): string => join(stateDir, "conversations");

/** Where programs keep the sessions of our tasks in a person's home, apart from the person's own. */
function keptAtHome(env: Environment): Kept[] {
  const home = env.HOME || homedir();
  return [
    {
      root: join(env.GEMINI_CLI_HOME || home, ".gemini", "tmp", "agentdispatch", "chats"),
      partOf: (name) => (name.startsWith("session-") ? name : undefined),
    },
    {
      root: join(env.XDG_DATA_HOME || join(home, ".local", "share"), "opencode", "agentdispatch"),
      // What was written last may be in the file beside a database alone.
      partOf: (name) => /^task_[0-9a-f]{32}\.db/.exec(name)?.[0],
    },
  ];
}

/** Removes what no turn has used for so long that all of its tasks have expired; what cannot be removed is left. */
export async function sweepConversations(
  stateDir: string,
  { retentionDays, nowMs, env = process.env }: Retention,
): Promise<void> {
  const own = {
    root: conversationsIn(stateDir),
    partOf: (name: string) => conversationIdSchema.safeParse(name).data,
  };
  for (const { root, partOf } of [own, ...keptAtHome(env)]) {
    const names = await readdir(root).catch(() => []);
    const wholes = Map.groupBy(names, (name) => partOf(name));
    wholes.delete(undefined);
    for (const parts of wholes.values()) {
      const paths = parts.map((name) => join(root, name));
      const used = await Promise.all(
        paths.map((path) =>
          stat(path).then(
            ({ mtimeMs }) => mtimeMs,
            () => 0,
          ),
        ),
      );
      if (nowMs - Math.max(...used) <= (retentionDays + 1) * DAY_MS) continue;
      for (const path of paths) await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    }
  }
}
