import { describe } from "vitest";
import type { TaskStore } from "../../lib/store/port.ts";
import { artifactsOfTasksSuite } from "./task-store-artifacts.ts";
import { logSuite } from "./task-store-log.ts";
import { queueSuite } from "./task-store-queue.ts";
import { tasksSuite } from "./task-store-tasks.ts";

/** An open store; `reopen` closes it and opens what it kept, where that can be done. */
export type OpenStore = { store: TaskStore; reopen?: () => Promise<TaskStore>; close(): Promise<void> };

/** Opens an empty store. `now` gives epoch milliseconds; `retentionDays` is how long settled tasks stay. */
export type OpenStoreFunction = (options?: { now?: () => number; retentionDays?: number }) => Promise<OpenStore>;

/** What every task store has to do, on SQLite and on DynamoDB alike. The tests share one store: ids and owners are random. */
export function taskStoreSuite(name: string, open: OpenStoreFunction): void {
  describe(`task store: ${name}`, () => {
    tasksSuite(open);
    logSuite(open);
    queueSuite(open);
    artifactsOfTasksSuite(open);
  });
}
