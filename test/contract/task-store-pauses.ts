import { describe, expect, it } from "vitest";
import { newTaskId } from "../../lib/contract/task-id.ts";
import type { QueueEntry } from "../../lib/store/port.ts";
import { newOwner, sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

const entryOf = (owner: string): QueueEntry => ({ owner, taskId: newTaskId(), profile: "local", queuedAtMs: 1 });
const limits = { maxRunning: 100, maxRunningPerProfile: 100 };

export function pausesSuite(open: OpenStoreFunction): void {
  describe("a pause of an owner's admission", () => {
    const store = sharedStore(open);

    it("keeps its tasks from a slot, those too that have one, until it is over, and nobody else's", async () => {
      const [owner, other] = [newOwner(), newOwner()];
      const first = entryOf(owner);
      expect(await store().takeSlot(first, limits)).toBe("taken");
      expect(await store().listPauses(owner)).toEqual([]);
      await store().pauseAdmission({ owner }, 7);
      await store().pauseAdmission({ owner }, 8);
      expect(await store().listPauses(owner)).toEqual([{ by: "owner", sinceMs: 7 }]);
      expect(await store().takeSlot(entryOf(owner), limits)).toBe("paused");
      expect(await store().takeSlot(first, limits)).toBe("paused");
      expect(await store().takeSlot(entryOf(owner), limits, [first])).toBe("paused");
      expect(await store().takeSlot(entryOf(other), limits)).toBe("taken");
      expect((await store().listSlots(owner)).running).toEqual([first.taskId]);

      await store().releaseSlot(owner, first);
      await store().resumeAdmission({ owner });
      await store().resumeAdmission({ owner });
      expect(await store().listPauses(owner)).toEqual([]);
      expect(await store().takeSlot(entryOf(owner), limits)).toBe("taken");
    });

    it("holds from before its first task", async () => {
      const owner = newOwner();
      await store().pauseAdmission({ owner }, 7);
      expect(await store().takeSlot(entryOf(owner), limits)).toBe("paused");
      expect((await store().listSlots(owner)).running).toEqual([]);
      await store().resumeAdmission({ owner });
      expect(await store().takeSlot(entryOf(owner), limits)).toBe("taken");
    });

    it("lets no slot be taken after it, however many try at once", async () => {
      const owner = newOwner();
      const takers = Array.from({ length: 40 }, () => entryOf(owner));
      const taking = takers.map((taker) => store().takeSlot(taker, limits));
      await store().pauseAdmission({ owner }, 7);
      const { running } = await store().listSlots(owner);
      const answers = await Promise.all(taking);
      expect((await store().listSlots(owner)).running.sort()).toEqual(running.sort());
      expect(answers.filter((answer) => answer === "taken").length).toBe(running.length);
      expect(answers.filter((answer) => answer !== "taken" && answer !== "paused")).toEqual([]);
    });
  });

  describe("a pause of everybody's admission", () => {
    const store = sharedStore(open);

    it("keeps all tasks from a slot, those of owners too who are new, until it is over", async () => {
      const [known, late] = [newOwner(), newOwner()];
      expect(await store().takeSlot(entryOf(known), limits)).toBe("taken");
      await store().pauseAdmission({ everybody: "operator" }, 7);
      const pause = { by: "operator", sinceMs: 7 };
      expect(await store().listPauses(known)).toEqual([pause]);
      expect(await store().listPauses(late)).toEqual([pause]);
      expect(await store().listPauses()).toEqual([pause]);
      const waiting = entryOf(late);
      await store().enqueue(waiting);
      expect(await store().takeSlot(entryOf(known), limits)).toBe("paused");
      expect(await store().takeSlot(waiting, limits)).toBe("paused");
      expect(await store().listOwners()).toEqual(expect.arrayContaining([known, late]));

      // Only who has paused it ends it.
      await store().resumeAdmission({ everybody: "deletion" });
      await store().resumeAdmission({ owner: known });
      expect(await store().takeSlot(entryOf(known), limits)).toBe("paused");
      await store().resumeAdmission({ everybody: "operator" });
      expect(await store().listPauses(known)).toEqual([]);
      expect(await store().takeSlot(entryOf(known), limits)).toBe("taken");
      expect(await store().takeSlot(waiting, limits)).toBe("taken");
    });

    it("of an operator is beside that of a deletion, and each ends its own alone", async () => {
      const owner = newOwner();
      await store().pauseAdmission({ everybody: "operator" }, 7);
      await store().pauseAdmission({ everybody: "deletion" }, 8);
      expect(await store().listPauses()).toEqual([
        { by: "operator", sinceMs: 7 },
        { by: "deletion", sinceMs: 8 },
      ]);
      await store().resumeAdmission({ everybody: "operator" });
      expect(await store().listPauses()).toEqual([{ by: "deletion", sinceMs: 8 }]);
      expect(await store().takeSlot(entryOf(owner), limits)).toBe("paused");
      await store().resumeAdmission({ everybody: "deletion" });
      expect(await store().takeSlot(entryOf(owner), limits)).toBe("taken");
    });

    it("is beside that of an owner", async () => {
      const owner = newOwner();
      await store().pauseAdmission({ everybody: "deletion" }, 8);
      await store().pauseAdmission({ owner }, 9);
      const pauses = await store().listPauses(owner);
      expect(pauses.toSorted((a, b) => a.sinceMs - b.sinceMs)).toEqual([
        { by: "deletion", sinceMs: 8 },
        { by: "owner", sinceMs: 9 },
      ]);
      await store().resumeAdmission({ everybody: "deletion" });
      expect(await store().takeSlot(entryOf(owner), limits)).toBe("paused");
      await store().resumeAdmission({ owner });
      expect(await store().takeSlot(entryOf(owner), limits)).toBe("taken");
    });

    it("lets no slot be taken after it, while owners come and it is ended and begun again", async () => {
      for (let round = 0; round < 5; round++) {
        const owners = [newOwner(), newOwner(), newOwner(), newOwner()];
        const taking = owners
          .flatMap((owner) => [entryOf(owner), entryOf(owner)])
          .map((one) => store().takeSlot(one, limits));
        await store().pauseAdmission({ everybody: "operator" }, 7);
        const count = async () =>
          (await Promise.all(owners.map((owner) => store().listSlots(owner)))).flatMap(({ running }) => running).length;
        const before = await count();
        const answers = await Promise.all(taking);
        expect(answers.filter((answer) => answer === "taken")).toHaveLength(before);
        expect(await count()).toBe(before);
        for (const owner of owners) expect(await store().takeSlot(entryOf(owner), limits)).toBe("paused");
        await store().resumeAdmission({ everybody: "operator" });
        for (const owner of owners) expect(await store().takeSlot(entryOf(owner), limits)).toBe("taken");
      }
    });
  });
}
