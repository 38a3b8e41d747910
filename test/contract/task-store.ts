import { describe } from "vitest";
import type { Json } from "../../lib/contract/task.ts";
import type { TaskStore } from "../../lib/store/port.ts";
import { answersSuite } from "./task-store-answers.ts";
import { artifactsOfTasksSuite } from "./task-store-artifacts.ts";
import { conversationsSuite } from "./task-store-conversations.ts";
import { ledgerSuite } from "./task-store-ledger.ts";
import { logSuite } from "./task-store-log.ts";
import { pausesSuite } from "./task-store-pauses.ts";
import { queueSuite } from "./task-store-queue.ts";
import { removingSuite } from "./task-store-removing.ts";
import { runtimesSuite } from "./task-store-runtimes.ts";
import { tasksSuite } from "./task-store-tasks.ts";
import { treesSuite } from "./task-store-trees.ts";
import { versionsSuite } from "./task-store-versions.ts";
import { warmSuite } from "./task-store-warm.ts";

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
    pausesSuite(open);
    artifactsOfTasksSuite(open);
    conversationsSuite(open);
    treesSuite(open);
    runtimesSuite(open);
    warmSuite(open);
    ledgerSuite(open);
    answersSuite(open);
    removingSuite(open);
  });
}
