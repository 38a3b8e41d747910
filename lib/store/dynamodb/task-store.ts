import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Connection } from "../../aws/connection.ts";
import { shareOf } from "../../contract/costs/of-task.ts";
import type { Logger } from "../../contract/logger.ts";
import type { Task } from "../../contract/task.ts";
import { answerFor } from "../answers.ts";
import { asChild } from "../edited.ts";
import { type EstimateOf, ledgerEntryFor } from "../ledger.ts";
import type { TaskStore } from "../port.ts";
import type { WaitingPlaces } from "../waiting-places.ts";
import { artifactList } from "./artifact-list.ts";
import { children } from "./children.ts";
import { claims } from "./claims.ts";
import { conversations } from "./conversations.ts";
import { openClient } from "./dynamo-client.ts";
import { answers } from "./ended/answers.ts";
import { ledger } from "./ended/ledger.ts";
import { eventLog } from "./event-log.ts";
import { Items } from "./items.ts";
import { KnownTasks } from "./known-tasks.ts";
import { pauses } from "./pauses.ts";
import { queue } from "./queue.ts";
import { runtimes } from "./runtimes.ts";
import { slots } from "./slots.ts";
import { taskLists } from "./task-lists.ts";
import { taskWrites } from "./task-writes.ts";
import { trees } from "./trees.ts";
import { type WaitingBound, waitingPlaces } from "./waiting-places.ts";
import { warmSessions } from "./warm-sessions.ts";

type Opened = TaskStore & {
  /** Bounds how many calls wait; kept in the same table. */
  waitingPlaces(bound: () => Promise<WaitingBound>): WaitingPlaces;
  close(): void;
};

export type TaskStoreOptions = Connection & {
  tableName: string;
  /** Used instead of one of its own, and left open. */
  client?: DynamoDBDocumentClient;
  /** Epoch milliseconds; default the clock. */
  now?: () => number;
  /** Days for which a settled task stays readable. */
  retentionDays?: number | undefined;
  /** What the ledger says of a task's cost besides what its framework says. */
  estimate?: EstimateOf;
  /** Is told of records that are damaged. */
  log?: Logger;
};

/**
 * The task store on DynamoDB: one table (see `tableDescription`), and nothing but conditional writes of single items. The
 * SDK is loaded by the first call. A request that is invalid throws what the SDK throws; everything else that goes wrong
 * is RetryableError `platform.store_throttled` or `platform.store_unavailable`.
 *
 * @example
 * const store = openTaskStore({ tableName: "agent-dispatch", region: "eu-central-1" });
 */
export function openTaskStore(options: TaskStoreOptions): Opened {
  const { tableName, client, now = Date.now, retentionDays, log } = options;
  let own: Promise<DynamoDBDocumentClient> | undefined;
  const open = async () => {
    own ??= openClient(options);
    return own;
  };
  const items = new Items(tableName, async () => client ?? open());
  const known = new KnownTasks();
  const { putAnswer, ...kept } = answers(items);
  const { noteEntry, ...book } = ledger(items, log);
  /** Before the write that ends the task, which may be the last that this process does; after the one that makes it as ended. */
  const noteEnd = async (before: Task | undefined, after: Task) => {
    const entry = ledgerEntryFor(before, after, options.estimate);
    // One that was made as ended gave no answer of its own.
    const answer = before && answerFor(before, after);
    await Promise.all([
      entry && noteEntry(entry, before === undefined),
      // Until the task has ended nobody takes it for an answer.
      answer && putAnswer(after.owner, answer),
    ]);
  };
  const ofTrees = trees(items, now, retentionDays);
  /** What it has cost is known only now: whoever else was about to end it has seen it otherwise. */
  const ended = async (task: Task) => {
    const share = shareOf(task, options.estimate?.(task));
    if (!share) return;
    await ofTrees
      .addCost(share.root, task.id, share.usd)
      .catch((error) =>
        log?.warn("what a task cost is added to its tree by its clean-up", { taskId: task.id, error: String(error) }),
      );
  };
  const { create, ...writes } = taskWrites(items, known, { now, retentionDays, noteEnd, ended });
  const { addChild, ...family } = children(items, now, retentionDays);
  const { gate, ...admission } = pauses(items);
  return {
    ...writes,
    async create(task) {
      const child = asChild(task);
      if (child) await addChild(child);
      return create(task);
    },
    ...family,
    ...ofTrees,
    ...book,
    ...kept,
    ...taskLists(items, now, log),
    ...claims(items),
    ...eventLog(items, now, retentionDays),
    ...artifactList(items, now, retentionDays),
    ...conversations(items, now, retentionDays),
    ...queue(items),
    ...slots(items, gate),
    ...admission,
    ...runtimes(items, now, log),
    waitingPlaces: (bound) => waitingPlaces(items, { bound, now, log }),
    ...warmSessions(items, log),
    close() {
      known.close();
      own?.then(
        (client) => client.destroy(),
        () => {},
      );
    },
  };
}
