import { describe, expect, it } from "vitest";
import type { Task } from "../../lib/contract/task.ts";
import { newTaskId, randomHex } from "../../lib/contract/task-id.ts";
import type { Child, QueueEntry, Slots } from "../../lib/store/port.ts";
import { makeTask } from "./make-task.ts";
import { hostileStrings, newOwner, sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

const entryOf = (owner: string, queuedAtMs = Date.now(), profile = "local"): QueueEntry => ({
  owner,
  taskId: newTaskId(),
  profile,
  queuedAtMs,
});
const noLimit = { maxRunning: 10_000, maxRunningPerProfile: 10_000 };

export function queueSuite(open: OpenStoreFunction): void {
  describe("keys", () => {
    const store = sharedStore(open);
    const nowMs = Date.now();
    const claimOf = (expiresAtMs = nowMs + 1000) => ({ taskId: newTaskId(), callHash: randomHex(32), expiresAtMs });

    it("gives a key to one of twenty that claim it at once, and tells all of them", async () => {
      const owner = newOwner();
      const claims = Array.from({ length: 20 }, () => claimOf());
      const answers = await Promise.all(claims.map((claim) => store().claimKey(owner, "key", claim, nowMs)));
      expect(claims).toContainEqual(answers[0]);
      for (const answer of answers) expect(answer).toEqual(answers[0]);
    });

    it("replaces a claim only once it has expired", async () => {
      const owner = newOwner();
      const [first, second, third] = [claimOf(nowMs + 1000), claimOf(nowMs + 5000), claimOf(nowMs + 9000)];
      expect(await store().claimKey(owner, "key", first, nowMs)).toEqual(first);
      expect(await store().claimKey(owner, "key", first, nowMs)).toEqual(first);
      expect(await store().claimKey(owner, "key", second, nowMs + 999)).toEqual(first);
      expect(await store().claimKey(owner, "key", second, nowMs + 1000)).toEqual(second);
      expect(await store().claimKey(owner, "key", third, nowMs + 1001)).toEqual(second);
    });

    it("gives an expired key to one of twenty", async () => {
      const owner = newOwner();
      await store().claimKey(owner, "key", claimOf(nowMs + 10), nowMs);
      const claims = Array.from({ length: 20 }, () => claimOf(nowMs + 5000));
      const answers = await Promise.all(claims.map((claim) => store().claimKey(owner, "key", claim, nowMs + 20)));
      expect(claims).toContainEqual(answers[0]);
      for (const answer of answers) expect(answer).toEqual(answers[0]);
    });

    it("keeps owners and keys apart, whatever they are made of", async () => {
      const owner = newOwner();
      const pairs = [
        [owner, "key"],
        [`${owner}k`, "ey"],
        [`${owner}key`, ""],
        ["", `${owner}key`],
      ];
      for (const text of hostileStrings) pairs.push([owner, text], [`${owner}${text}`, "key"]);
      for (const [owner = "", key = ""] of pairs) {
        const claim = claimOf();
        expect(await store().claimKey(owner, key, claim, nowMs)).toEqual(claim);
      }
    });
  });

  describe("queue", () => {
    const store = sharedStore(open);

    it("is first in first out by time, then by id, whatever the order of writing", async () => {
      const owner = newOwner();
      const entries = [5, 1, 3, 3, 3, 9, 2].map((time) => entryOf(owner, 1_700_000_000_000 + time));
      await Promise.all(entries.map((entry) => store().enqueue(entry)));
      const expected = [...entries].sort((a, b) => a.queuedAtMs - b.queuedAtMs || (a.taskId < b.taskId ? -1 : 1));
      expect(await store().listQueue(owner, 100)).toEqual(expected);
      expect(await store().listQueue(owner, 2)).toEqual(expected.slice(0, 2));
      for (const [i, entry] of expected.entries()) {
        expect(await store().countAhead(entry)).toBe(i);
        expect(await store().listQueue(owner, 3, entry)).toEqual(expected.slice(i + 1, i + 4));
      }
      expect(await store().listQueue(newOwner(), 100)).toEqual([]);
    });

    it("is read profile by profile, and past a profile at once", async () => {
      const owner = newOwner();
      const names = ["b", "a", "a-b", "a.b", "constructor", "B"];
      const entries = names.flatMap((profile, i) => [5, 1].map((time) => entryOf(owner, 1000 * time + i, profile)));
      await Promise.all(entries.map((entry) => store().enqueue(entry)));
      const all = await store().listQueue(owner, 100);
      expect(all).toHaveLength(entries.length);
      for (const profile of names) {
        const own = all.filter((entry) => entry.profile === profile);
        expect(own.map(({ queuedAtMs }) => queuedAtMs)).toEqual(own.map(({ queuedAtMs }) => queuedAtMs).sort());
        const from = all.indexOf(own[0] as QueueEntry);
        expect(all.slice(from, from + own.length)).toEqual(own);
        expect(await store().listQueue(owner, 1, { profile })).toEqual(all.slice(from + 2, from + 3));
        expect(await store().listQueue(owner, 3, own[0])).toEqual(all.slice(from + 1, from + 4));
      }
      const inOrder = entries.toSorted((a, b) => a.queuedAtMs - b.queuedAtMs);
      for (const [i, entry] of inOrder.entries()) expect(await store().countAhead(entry)).toBe(i);
    });

    it("changes nothing when repeated, and says so", async () => {
      const entry = entryOf(newOwner());
      const added = await Promise.all([store().enqueue(entry), store().enqueue(entry)]);
      expect(added.filter(Boolean)).toHaveLength(1);
      expect(await store().enqueue(entry)).toBe(false);
      expect(await store().listQueue(entry.owner, 100)).toEqual([entry]);
      const answers = await Promise.all(Array.from({ length: 10 }, () => store().dequeue(entry)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await store().dequeue(entry)).toBe(false);
      expect(await store().listQueue(entry.owner, 100)).toEqual([]);
      expect(await store().countAhead(entry)).toBe(0);
    });

    it("pages past an entry that has left", async () => {
      const owner = newOwner();
      const entries = [1, 2, 3].map((time) => entryOf(owner, 1_700_000_000_000 + time));
      for (const entry of entries) await store().enqueue(entry);
      await store().dequeue(entries[1] as QueueEntry);
      expect(await store().listQueue(owner, 10, entries[1])).toEqual([entries[2]]);
      expect(await store().countAhead(entries[2] as QueueEntry)).toBe(1);
    });
  });

  describe("slots", () => {
    const store = sharedStore(open);

    it("lets no more than both limits allow take one, however many try at once", async () => {
      const owner = newOwner();
      const takers = Array.from({ length: 24 }, (_, i) => entryOf(owner, Date.now(), i % 2 ? "one" : "two"));
      const limits = { maxRunning: 8, maxRunningPerProfile: 5 };
      const answers = await Promise.all(takers.map((taker) => store().takeSlot(taker, limits)));
      expect(answers.filter((answer) => answer === "taken")).toHaveLength(8);
      const { running, byProfile } = await store().listSlots(owner);
      const { one = [], two = [] } = byProfile;
      const taken = takers.filter((_, i) => answers[i] === "taken").map(({ taskId }) => taskId);
      expect([...one, ...two].sort()).toEqual(taken.sort());
      expect(running.sort()).toEqual(taken.sort());
      expect(Math.max(one.length, two.length)).toBeLessThanOrEqual(5);
      expect(new Set(answers)).not.toContain(undefined);
    });

    it("says which limit refused", async () => {
      const owner = newOwner();
      const take = (profile: string, maxRunning: number, maxRunningPerProfile: number) =>
        store().takeSlot(entryOf(owner, 0, profile), { maxRunning, maxRunningPerProfile });
      expect(await take("one", 3, 1)).toBe("taken");
      expect(await take("one", 3, 1)).toBe("profile_full");
      expect(await take("two", 3, 1)).toBe("taken");
      expect(await take("three", 2, 1)).toBe("full");
      expect(await take("one", 2, 1)).toBe("full");
      expect(await take("three", 3, 1)).toBe("taken");
    });

    it("is taken already for a task that holds one, under any limit", async () => {
      const entry = entryOf(newOwner());
      const limits = { maxRunning: 1, maxRunningPerProfile: 1 };
      const answers = await Promise.all(Array.from({ length: 20 }, () => store().takeSlot(entry, limits)));
      expect(new Set(answers)).toEqual(new Set(["taken"]));
      expect(await store().listSlots(entry.owner)).toEqual(held(entry));
    });

    it("is free again once released, and releasing twice frees one", async () => {
      const owner = newOwner();
      const limits = { maxRunning: 2, maxRunningPerProfile: 2 };
      const [first, second, third, fourth] = [1, 2, 3, 4].map((time) => entryOf(owner, time)) as [
        QueueEntry,
        QueueEntry,
        QueueEntry,
        QueueEntry,
      ];
      await store().takeSlot(first, limits);
      await store().takeSlot(second, limits);
      expect(await store().takeSlot(third, limits)).toBe("full");
      const release = () => store().releaseSlot(owner, first);
      await Promise.all([release(), release(), release()]);
      expect(await store().takeSlot(third, limits)).toBe("taken");
      await release();
      expect(await store().takeSlot(fourth, limits)).toBe("full");
      expect((await store().listSlots(owner)).running.sort()).toEqual([second.taskId, third.taskId].sort());
    });

    it("keeps owners apart, and lists nothing for one without any", async () => {
      const [one, other] = [entryOf(newOwner()), entryOf(newOwner())];
      const limits = { maxRunning: 1, maxRunningPerProfile: 1 };
      expect(await store().takeSlot(one, limits)).toBe("taken");
      expect(await store().takeSlot(other, limits)).toBe("taken");
      await store().releaseSlot(other.owner, one);
      expect(await store().listSlots(one.owner)).toEqual(held(one));
      await store().releaseSlot(one.owner, one);
      expect(await store().listSlots(one.owner)).toEqual(held());
      await store().releaseSlot(newOwner(), { taskId: newTaskId(), profile: "local" });
    });

    it("counts profiles of any name", async () => {
      const owner = newOwner();
      for (const profile of ["constructor", "toString", "a.b", "a_b", "A"]) {
        const entry = entryOf(owner, 0, profile);
        expect(await store().takeSlot(entry, noLimit)).toBe("taken");
        expect((await store().listSlots(owner)).byProfile[profile]).toEqual([entry.taskId]);
      }
    });
  });

  describe("a lent slot", () => {
    const store = sharedStore(open);
    const one = { maxRunning: 1, maxRunningPerProfile: 1 };
    const line = (owner: string, ...profiles: string[]) => profiles.map((profile) => entryOf(owner, 0, profile));

    it("is taken over from the nearest that has one, only where a limit is reached, and goes back", async () => {
      const owner = newOwner();
      const [first, second, third] = line(owner, "local", "local", "local") as [QueueEntry, QueueEntry, QueueEntry];
      await store().takeSlot(first, one);
      expect(await store().takeSlot(second, { maxRunning: 2, maxRunningPerProfile: 2 }, [first])).toBe("taken");
      expect((await store().listSlots(owner)).running.sort()).toEqual([first.taskId, second.taskId].sort());
      await store().releaseSlot(owner, second, [first]);
      expect(await store().listSlots(owner)).toEqual(held(first));

      expect(await store().takeSlot(second, one)).toBe("full");
      expect(await store().takeSlot(second, one, [first])).toBe("taken");
      expect(await store().takeSlot(second, one, [first])).toBe("taken");
      expect(await store().listSlots(owner)).toEqual(held(second));
      expect(await store().takeSlot(third, one, [first])).toBe("full");
      expect(await store().takeSlot(third, one, [second, first])).toBe("taken");
      expect(await store().listSlots(owner)).toEqual(held(third));

      // What it does not have it does not give back.
      await store().releaseSlot(owner, second, [first]);
      expect(await store().listSlots(owner)).toEqual(held(third));
      for (let times = 0; times < 2; times++) await store().releaseSlot(owner, third, [first]);
      expect(await store().listSlots(owner)).toEqual(held(first));
      await store().releaseSlot(owner, first, []);
      expect(await store().listSlots(owner)).toEqual(held());
    });

    it("keeps the room of its profile where the borrower has another", async () => {
      const owner = newOwner();
      const [x, y, other] = line(owner, "x", "y", "x") as [QueueEntry, QueueEntry, QueueEntry];
      await store().takeSlot(x, one);
      expect(await store().takeSlot(y, one, [x])).toBe("taken");
      expect(await store().listSlots(owner)).toEqual({
        running: [y.taskId],
        byProfile: { x: [x.taskId], y: [y.taskId] },
      });
      expect(await store().takeSlot(other, { maxRunning: 2, maxRunningPerProfile: 1 })).toBe("profile_full");
      await store().releaseSlot(owner, y, [x]);
      expect(await store().listSlots(owner)).toEqual(held(x));
    });

    it("of a full profile comes from one of the same, however near another is", async () => {
      const owner = newOwner();
      const [top, middle, bottom] = line(owner, "y", "x", "y") as [QueueEntry, QueueEntry, QueueEntry];
      const limits = { maxRunning: 2, maxRunningPerProfile: 1 };
      await store().takeSlot(top, limits);
      await store().takeSlot(middle, limits, [top]);
      expect(await store().takeSlot(bottom, limits, [middle])).toBe("profile_full");
      expect(await store().takeSlot(bottom, limits, [middle, top])).toBe("taken");
      const { running, byProfile } = await store().listSlots(owner);
      expect(running.sort()).toEqual([top.taskId, bottom.taskId].sort());
      expect(byProfile).toEqual({ x: [middle.taskId], y: [bottom.taskId] });
      await store().releaseSlot(owner, bottom, [middle, top]);
      const back = await store().listSlots(owner);
      expect(back.running.sort()).toEqual([middle.taskId, top.taskId].sort());
      expect(back.byProfile).toEqual({ x: [middle.taskId], y: [top.taskId] });
    });

    it("is lent once, and never lost, however many take and give at once", async () => {
      const owner = newOwner();
      const limits = { maxRunning: 3, maxRunningPerProfile: 3 };
      const parents = line(owner, "local", "local", "local");
      for (const parent of parents) await store().takeSlot(parent, limits);
      const children = parents.flatMap((parent) =>
        Array.from({ length: 4 }, () => ({ parent, child: entryOf(owner) })),
      );
      const answers = await Promise.all(
        children.map(async ({ parent, child }) => {
          const answer = await store().takeSlot(child, limits, [parent]);
          expect((await store().listSlots(owner)).running).toHaveLength(3);
          if (answer === "taken") await store().releaseSlot(owner, child, [parent]);
          return answer;
        }),
      );
      expect(answers.filter((answer) => answer === "taken").length).toBeGreaterThanOrEqual(3);
      const { running } = await store().listSlots(owner);
      expect(running.sort()).toEqual(parents.map(({ taskId }) => taskId).sort());
    });
  });

  describe("children", () => {
    const store = sharedStore(open);

    it("are found by their parent, the oldest first, page by page, until they are taken off", async () => {
      const parent = newTaskId();
      const children = [3, 1, 2, 2].map((time) => makeTask({ parent, createdAt: new Date(time).toISOString() }));
      for (const child of children) expect(await store().create(child)).toBe(true);
      expect(await store().create(children[0] as Task)).toBe(false);
      await store().create(makeTask());
      const expected = children
        .map(({ id, createdAt }): Child => ({ parent, taskId: id, atMs: Date.parse(createdAt) }))
        .sort((a, b) => a.atMs - b.atMs || (a.taskId < b.taskId ? -1 : 1));
      expect(await store().listChildren(parent, 10)).toEqual(expected);
      expect(await store().listChildren(parent, 2)).toEqual(expected.slice(0, 2));
      for (const [i, child] of expected.entries())
        expect(await store().listChildren(parent, 2, child)).toEqual(expected.slice(i + 1, i + 3));
      const [first, ...others] = expected;
      for (let times = 0; times < 2; times++) await store().removeChild(first as Child);
      expect(await store().listChildren(parent, 10)).toEqual(others);
      expect(await store().listChildren(newTaskId(), 10)).toEqual([]);
    });
  });
}

/** The slots of an owner for whom each of these holds a whole one. */
function held(...entries: QueueEntry[]): Slots {
  const byProfile = Map.groupBy(entries, ({ profile }) => profile);
  return {
    running: entries.map(({ taskId }) => taskId),
    byProfile: Object.fromEntries([...byProfile].map(([name, some]) => [name, some.map(({ taskId }) => taskId)])),
  };
}
