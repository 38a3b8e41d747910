import { RETENTION_DAYS } from "../../contract/task.ts";
import type { Conversation, TaskStore } from "../port.ts";
import { beyondRetention } from "../retention.ts";
import type { Item, Items } from "./items.ts";
import { conversationKey } from "./keys.ts";
import { isExpired } from "./task-item.ts";

/** Conversations of several turns, an item each. */
export function conversations(
  items: Items,
  now: () => number,
  retentionDays = RETENTION_DAYS,
): Pick<TaskStore, "getConversation" | "putConversation"> {
  const read = async (id: string): Promise<Item | undefined> => {
    const item = await items.get(conversationKey(id));
    return item && !isExpired(item, now()) ? item : undefined;
  };

  return {
    async getConversation(id) {
      const item = await read(id);
      return item && { ...(JSON.parse(String(item.body)) as Conversation), revision: Number(item.revision) };
    },

    async putConversation(conversation, seen) {
      const key = conversationKey(conversation.id);
      // Says which write it was, where the answer to one was lost.
      const mark = crypto.randomUUID();
      const body = JSON.stringify(conversation);
      const expires = beyondRetention(now(), retentionDays);
      const condition = seen
        ? { expression: "#revision = :seen", values: { seen: seen.revision } }
        : { expression: "attribute_not_exists(#pk) OR #expires <= :now", values: { now: Math.floor(now() / 1000) } };
      const hasLanded = async () => (await read(conversation.id))?.mark === mark;
      return items.put({ ...key, revision: (seen?.revision ?? 0) + 1, mark, body, expires }, condition, hasLanded);
    },
  };
}
