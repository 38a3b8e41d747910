import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { conversationIdSchema } from "../../contract/task-id.ts";

const DAY_MS = 86_400_000;

/** Where workers on this machine keep what their turns of conversations need, a folder each. */
export const conversationsIn = (stateDir: string): string => join(stateDir, "conversations");

/** Removes what no turn has used for so long that all of its tasks have expired; what cannot be removed is left. */
export async function sweepConversations(stateDir: string, retentionDays: number, nowMs: number): Promise<void> {
  const root = conversationsIn(stateDir);
  for (const name of await readdir(root).catch(() => [])) {
    if (!conversationIdSchema.safeParse(name).success) continue;
    const path = join(root, name);
    const used = await stat(path).catch(() => undefined);
    if (used && nowMs - used.mtimeMs > (retentionDays + 1) * DAY_MS)
      await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
  }
}
