import type { TaskArtifact } from "../../contract/task.ts";
import { inPages } from "../artifact-pages.ts";
import type { TaskStore } from "../port.ts";
import type { Database } from "./database.ts";

type ArtifactList = Pick<TaskStore, "addArtifacts" | "getArtifacts" | "changeArtifacts"> & {
  /** Deletes what a task left, inside the caller's transaction. */
  forgetArtifacts(taskId: string): void;
};

/** The lists of files that tasks left, a row per page. */
export function artifactList(db: Database): ArtifactList {
  const add = db.prepare("INSERT INTO artifacts (task_id, page, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  const select = db.prepare("SELECT body FROM artifacts WHERE task_id = ? AND page = ?");
  const update = db.prepare("UPDATE artifacts SET body = ? WHERE task_id = ? AND page = ?");
  const remove = db.prepare("DELETE FROM artifacts WHERE task_id = ?");

  const find = (taskId: string, page: number): TaskArtifact[] => {
    const row = select.get(taskId, page) as { body: string } | undefined;
    return row ? (JSON.parse(row.body) as TaskArtifact[]) : [];
  };

  return {
    async addArtifacts(taskId, artifacts) {
      db.write(() => {
        for (const [page, part] of inPages(artifacts).entries()) add.run(taskId, page, JSON.stringify(part));
      });
    },

    async getArtifacts(taskId, page) {
      return db.read(() => find(taskId, page));
    },

    async changeArtifacts(taskId, page, edit) {
      return db.write(() => {
        const before = find(taskId, page);
        const after = edit(before);
        if (after) update.run(JSON.stringify(after), taskId, page);
        return after ?? before;
      });
    },

    forgetArtifacts(taskId) {
      remove.run(taskId);
    },
  };
}
