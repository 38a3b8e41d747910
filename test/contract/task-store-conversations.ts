import { describe, expect, it } from "vitest";
import { newTaskId, randomHex } from "../../lib/contract/task-id.ts";
import { hostileStrings, newOwner, sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

const newConversation = (more: { before?: string; waiting?: string[] } = {}) => ({
  id: `conv_${randomHex(16)}`,
  owner: newOwner(),
  turn: newTaskId(),
  waiting: [],
  ...more,
});

export function conversationsSuite(open: OpenStoreFunction): void {
  describe("conversations", () => {
    const store = sharedStore(open);

    it("come back as they were written, and none that never was", async () => {
      const full = newConversation({ before: newTaskId(), waiting: [newTaskId(), newTaskId()] });
      const bare = newConversation();
      expect(await store().getConversation(full.id)).toBeUndefined();
      for (const each of [full, bare]) expect(await store().putConversation(each, undefined)).toBe(true);
      expect(await store().getConversation(full.id)).toEqual({ ...full, revision: 1 });
      expect(await store().getConversation(bare.id)).toEqual({ ...bare, revision: 1 });
    });

    it("are written by one of twenty that saw the same, the first time and later", async () => {
      const first = newConversation();
      for (let round = 0; round < 3; round++) {
        const seen = await store().getConversation(first.id);
        const wanted = Array.from({ length: 20 }, () => ({ ...first, turn: newTaskId() }));
        const won = await Promise.all(wanted.map((each) => store().putConversation(each, seen)));
        expect(won.filter((isMine) => isMine)).toHaveLength(1);
        const now = await store().getConversation(first.id);
        expect(now).toEqual({ ...wanted[won.indexOf(true)], revision: round + 1 });
        expect(await store().putConversation(first, seen), "by what was seen before").toBe(false);
        expect(await store().getConversation(first.id)).toEqual(now);
      }
    });

    it("are kept for whoever owns them, whatever that is", async () => {
      for (const owner of hostileStrings) {
        const one = { ...newConversation(), owner };
        await store().putConversation(one, undefined);
        expect(await store().getConversation(one.id)).toEqual({ ...one, revision: 1 });
      }
    });

    it("are known to the queue", async () => {
      const entry = { owner: newOwner(), taskId: newTaskId(), profile: "local", queuedAtMs: 1 };
      const turn = { ...entry, taskId: newTaskId(), queuedAtMs: 2, conversation: newConversation().id };
      for (const each of [entry, turn]) await store().enqueue(each);
      expect(await store().listQueue(entry.owner, 10)).toEqual([entry, turn]);
      expect(await store().dequeue(turn)).toBe(true);
      expect(await store().listQueue(entry.owner, 10)).toEqual([entry]);
    });

    it("are forgotten some time after the last turn, and may then be written anew", async () => {
      let nowMs = Date.UTC(2026, 0, 1);
      const opened = await open({ now: () => nowMs, retentionDays: 1 });
      const one = newConversation();
      const later = async (days: number) => {
        // The expiry clock of a machine follows a leap by no more than two days.
        for (let day = 0; day < days; day++) {
          nowMs += 86_400_000;
          await opened.store.get(newTaskId());
        }
        return opened.store.getConversation(one.id);
      };
      expect(await opened.store.putConversation(one, undefined)).toBe(true);
      const seen = await later(20);
      expect(seen).toMatchObject(one);
      expect(await opened.store.putConversation(one, seen)).toBe(true);
      expect(await later(20), "each turn keeps it").toMatchObject(one);
      expect(await later(40)).toBeUndefined();
      expect(await opened.store.putConversation(one, undefined)).toBe(true);
      expect(await opened.store.getConversation(one.id)).toEqual({ ...one, revision: 1 });
      await opened.close();
    });
  });
}
