import { describe, expect, it } from "vitest";
import { ownEvent } from "../../lib/contract/events.ts";
import { bytes, describeContent, makeTask, moved } from "./make-task.ts";
import { newOwner, sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

export function removingSuite(open: OpenStoreFunction): void {
  describe("a task that is removed", () => {
    const store = sharedStore(open);

    it("is gone with all that was kept beside it, and what it took stays", async () => {
      const owner = newOwner();
      const [task, other] = [makeTask({ owner }), makeTask({ owner })];
      for (const each of [task, other]) {
        const { id } = each;
        await store().create(each);
        await store().appendEvents([ownEvent(id, "task.created", 1)]);
        const chunk = { taskId: id, offset: 0, sequence: 100, stream: "stdout", timestamp: each.createdAt };
        await store().appendLog([{ ...chunk, text: "a line\n" }]);
        await store().addArtifacts(id, [describeContent(bytes("x"))]);
        await store().change(id, (now) => moved(now, "cancelled"));
      }
      expect(await store().remove(task.id)).toBe(true);
      expect(await store().get(task.id)).toBeUndefined();
      expect(await store().listEvents(task.id, 0, 10)).toEqual([]);
      expect((await store().readLog(task.id, 0, 10)).data).toBe("");
      expect(await store().getArtifacts(task.id, 0)).toEqual([]);
      expect((await store().list(owner, { limit: 10 })).items.map(({ id }) => id)).toEqual([other.id]);
      expect(await store().listEvents(other.id, 0, 10)).toHaveLength(2);
      expect(await store().listLedger(owner, { sinceMs: 0, limit: 10 })).toHaveLength(2);
      expect(await store().remove(task.id)).toBe(false);
    });

    it("is none that runs, or owes something, or is not there", async () => {
      const owner = newOwner();
      const running = makeTask({ owner, status: "running" });
      const owing = makeTask({ owner, status: "failed", obligations: { session: "s" } });
      for (const task of [running, owing]) {
        await store().create(task);
        expect(await store().remove(task.id)).toBe(false);
        expect(await store().get(task.id)).toBeDefined();
      }
      expect(await store().remove(makeTask().id)).toBe(false);
    });
  });
}
