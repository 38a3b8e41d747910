import { describe } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import type { TaskStore } from "../../lib/store/port.ts";
import { artifactsOfTasksSuite } from "./task-store-artifacts.ts";
import { conversationsSuite } from "./task-store-conversations.ts";
import { logSuite } from "./task-store-log.ts";
import { queueSuite } from "./task-store-queue.ts";
import { tasksSuite } from "./task-store-tasks.ts";
import { versionsSuite } from "./task-store-versions.ts";

/** An open store. */
export type OpenStore = {
  store: TaskStore;
  /** Closes it and opens what it kept. */
  reopen: () => Promise<TaskStore>;
  /** Puts what another version of the program would have stored in place of what is stored of a task. */
  rewrite(id: string, edit: (record: Json) => Json): Promise<void>;
  close(): Promise<void>;
};

/** Opens an empty store. `now` gives epoch milliseconds; `retentionDays` is how long settled tasks stay. */
export type OpenStoreFunction = (options?: { now?: () => number; retentionDays?: number }) => Promise<OpenStore>;

/** What every task store has to do, on SQLite and on DynamoDB alike. The tests share one store: ids and owners are random. */
export function taskStoreSuite(name: string, open: OpenStoreFunction): void {
  describe(`task store: ${name}`, () => {
    tasksSuite(open);
    versionsSuite(open);
    logSuite(open);
    queueSuite(open);
    artifactsOfTasksSuite(open);
    conversationsSuite(open);
  });
}
