import type { SeenConversation, TaskStore } from "../port.ts";
import { beyondRetention } from "../retention.ts";
import type { Database } from "./database.ts";

type Conversations = Pick<TaskStore, "getConversation" | "putConversation"> & {
  /** Deletes what has expired at a time in epoch seconds, inside the caller's transaction. */
  forgetConversations(seconds: number): void;
};

type Options = {
  /** Epoch seconds by which what is kept expires. */
  seconds(): number;
  retentionDays: number;
};

/** Conversations of several turns, a row each. */
export function conversations(db: Database, { seconds, retentionDays }: Options): Conversations {
  const select = db.prepare("SELECT revision, body FROM conversations WHERE id = ? AND expires_s > ?");
  const put = db.prepare("INSERT OR REPLACE INTO conversations (id, revision, expires_s, body) VALUES (?, ?, ?, ?)");
  const removeExpired = db.prepare("DELETE FROM conversations WHERE expires_s <= ?");

  const find = (id: string): SeenConversation | undefined => {
    const row = select.get(id, seconds()) as { revision: number; body: string } | undefined;
    return row && { ...(JSON.parse(row.body) as SeenConversation), revision: row.revision };
  };

  return {
    async getConversation(id) {
      return db.read(() => find(id));
    },

    async putConversation(conversation, seen) {
      return db.write(() => {
        if (find(conversation.id)?.revision !== seen?.revision) return false;
        const expires = beyondRetention(seconds() * 1000, retentionDays);
        put.run(conversation.id, (seen?.revision ?? 0) + 1, expires, JSON.stringify(conversation));
        return true;
      });
    },

    forgetConversations: (at) => void removeExpired.run(at),
  };
}
