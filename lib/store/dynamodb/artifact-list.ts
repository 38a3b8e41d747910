import { RETENTION_DAYS, type TaskArtifact } from "../../contract/task.ts";
import { inPages } from "../artifact-pages.ts";
import type { TaskStore } from "../port.ts";
import { beyondRetention } from "../retention.ts";
import { packTask, unpackTask } from "./compression.ts";
import { settled } from "./conflicts.ts";
import type { Item, Items } from "./items.ts";
import { artifactsKey } from "./keys.ts";

/** The lists of files that tasks left, an item per page: a task itself would grow past what an item may hold. */
export function artifactList(
  items: Items,
  now: () => number,
  retentionDays = RETENTION_DAYS,
): Pick<TaskStore, "addArtifacts" | "getArtifacts" | "changeArtifacts"> {
  const toItem = (taskId: string, page: number, revision: number, artifacts: readonly TaskArtifact[]) => ({
    ...artifactsKey(taskId, page),
    revision,
    body: packTask(JSON.stringify(artifacts)),
    expires: beyondRetention(now(), retentionDays),
  });
  const artifactsIn = (item: Item | undefined): TaskArtifact[] =>
    item ? JSON.parse(unpackTask(item.body as Uint8Array)) : [];

  return {
    async addArtifacts(taskId, artifacts) {
      for (const [page, part] of inPages(artifacts).entries())
        await items.put(toItem(taskId, page, 1, part), { expression: "attribute_not_exists(#pk)" });
    },

    async getArtifacts(taskId, page) {
      return artifactsIn(await items.get(artifactsKey(taskId, page)));
    },

    // A write whose answer was lost is made again on what it left: an edit has nothing to do where it was made before.
    changeArtifacts: (taskId, page, edit) =>
      settled(`a list of artifacts of task ${taskId}`, async () => {
        const item = await items.get(artifactsKey(taskId, page));
        const before = artifactsIn(item);
        const after = item && edit(before);
        if (!after) return before;
        const next = toItem(taskId, page, Number(item.revision) + 1, after);
        const isFirst = { expression: "#revision = :seen", values: { seen: item.revision } };
        return (await items.put(next, isFirst)) ? after : undefined;
      }),
  };
}
