import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Connection } from "../../aws/connection.ts";
import type { Logger } from "../../contract/logger.ts";
import { asChild } from "../edited.ts";
import type { TaskStore } from "../port.ts";
import { artifactList } from "./artifact-list.ts";
import { children } from "./children.ts";
import { claims } from "./claims.ts";
import { conversations } from "./conversations.ts";
import { openClient } from "./dynamo-client.ts";
import { eventLog } from "./event-log.ts";
import { Items } from "./items.ts";
import { KnownTasks } from "./known-tasks.ts";
import { queue } from "./queue.ts";
import { slots } from "./slots.ts";
import { taskLists } from "./task-lists.ts";
import { taskWrites } from "./task-writes.ts";

export type TaskStoreOptions = Connection & {
  tableName: string;
  /** Used instead of one of its own, and left open. */
  client?: DynamoDBDocumentClient;
  /** Epoch milliseconds; default the clock. */
  now?: () => number;
  /** Days for which a settled task stays readable. */
  retentionDays?: number | undefined;
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
export function openTaskStore(options: TaskStoreOptions): TaskStore & { close(): void } {
  const { tableName, client, now = Date.now, retentionDays, log } = options;
  let own: Promise<DynamoDBDocumentClient> | undefined;
  const open = async () => {
    own ??= openClient(options);
    return own;
  };
  const items = new Items(tableName, async () => client ?? open());
  const known = new KnownTasks();
  const { create, ...writes } = taskWrites(items, known, now, retentionDays);
  const { addChild, ...family } = children(items, now, retentionDays);
  return {
    ...writes,
    async create(task) {
      const child = asChild(task);
      if (child) await addChild(child);
      return create(task);
    },
    ...family,
    ...taskLists(items, now, log),
    ...claims(items),
    ...eventLog(items, now, retentionDays),
    ...artifactList(items, now, retentionDays),
    ...conversations(items, now, retentionDays),
    ...queue(items),
    ...slots(items),
    close() {
      known.close();
      own?.then(
        (client) => client.destroy(),
        () => {},
      );
    },
  };
}
