import { describe, expect, it } from "vitest";
import type { SharedRuntime } from "../../lib/contract/runtimes.ts";
import { newTaskId, randomHex } from "../../lib/contract/task-id.ts";
import { sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

type Fields = Omit<SharedRuntime, "id" | "revision">;

/** What is noted of a runtime before it is made. */
const newRuntime = (more: Partial<Fields> = {}): Fields => ({
  fingerprint: randomHex(16),
  family: randomHex(16),
  backend: "aws-agentcore",
  accountProfile: "dev-aws",
  region: "us-west-2",
  name: `ad_${randomHex(16)}`,
  state: "making",
  madeBy: newTaskId(),
  madeAtMs: 1,
  attemptedAtMs: 1,
  creations: 0,
  users: [],
  lastUsedAtMs: 1,
  ...more,
});

export function runtimesSuite(open: OpenStoreFunction): void {
  describe("runtimes that tasks share", () => {
    const store = sharedStore(open);
    const idOf = ({ fingerprint }: Fields, generation = 1) => `${fingerprint}-${generation}`;

    it("come back as they were written, and none that never was", async () => {
      const bare = newRuntime();
      const full = newRuntime({
        arn: "arn",
        lease: { holder: newTaskId(), untilMs: 5 },
        users: [newTaskId()],
        failure: { code: "worker.start_failed", message: "no", retryable: false },
        notBeforeMs: 7,
      });
      for (const each of [bare, full]) {
        const id = idOf(each);
        expect(await store().getRuntime(id)).toBeUndefined();
        expect(await store().changeRuntime(id, () => undefined)).toBeUndefined();
        expect(await store().changeRuntime(id, () => each)).toEqual({ ...each, id, revision: 1 });
        expect(await store().getRuntime(id)).toEqual({ ...each, id, revision: 1 });
        expect(await store().changeRuntime(id, () => undefined)).toEqual({ ...each, id, revision: 1 });
      }
    });

    it("are made by one of twenty that saw none, and the others find that one", async () => {
      const wanted = Array.from({ length: 20 }, () => newRuntime({ fingerprint: "of-all" }));
      const id = `${randomHex(16)}-1`;
      const found = await Promise.all(
        wanted.map((each) => store().changeRuntime(id, (seen) => (seen ? undefined : each))),
      );
      expect(new Set(found.map((runtime) => runtime?.name)).size).toBe(1);
      expect(await store().getRuntime(id)).toMatchObject({ name: found[0]?.name, revision: 1 });
    });

    it("lose nothing of what ten change at once", async () => {
      const runtime = newRuntime();
      const id = idOf(runtime);
      await store().changeRuntime(id, () => runtime);
      const count = () => store().changeRuntime(id, (now) => now && { ...now, creations: now.creations + 1 });
      await Promise.all(Array.from({ length: 10 }, count));
      expect(await store().getRuntime(id)).toMatchObject({ creations: 10, revision: 11 });
    });

    it("are taken and given back by fifty tasks at once, each as often as it likes", async () => {
      const runtime = newRuntime();
      const id = idOf(runtime);
      await store().changeRuntime(id, () => runtime);
      const tasks = Array.from({ length: 50 }, newTaskId);
      const twice = [...tasks, ...tasks];
      const taken = await Promise.all(twice.map((task) => store().takeRuntime(id, task, 5)));
      expect(new Set(taken)).toEqual(new Set([true]));
      expect(await store().getRuntime(id)).toMatchObject({ users: tasks.toSorted(), lastUsedAtMs: 5 });
      const [last = "", ...others] = tasks;
      await Promise.all(others.map((task) => store().releaseRuntime(id, task, 6)));
      expect(await store().getRuntime(id)).toMatchObject({ users: [last], lastUsedAtMs: 6 });
      for (const task of [last, last, newTaskId()]) await store().releaseRuntime(id, task, 7);
      const free = await store().getRuntime(id);
      expect(free).toMatchObject({ users: [], lastUsedAtMs: 7 });
      await store().releaseRuntime(id, newTaskId(), 8);
      expect(await store().getRuntime(id)).toEqual(free);
      expect(await store().takeRuntime(id, last, 9)).toBe(true);
    });

    it("cannot be taken where there is none, nor when they are going", async () => {
      const task = newTaskId();
      expect(await store().takeRuntime(`${randomHex(16)}-1`, task, 1)).toBe(false);
      for (const state of ["deleting", "gone"] as const) {
        const runtime = newRuntime({ state });
        await store().changeRuntime(idOf(runtime), () => runtime);
        expect(await store().takeRuntime(idOf(runtime), task, 1)).toBe(false);
        expect((await store().getRuntime(idOf(runtime)))?.users).toEqual([]);
        await store().releaseRuntime(idOf(runtime), task, 1);
      }
      await store().releaseRuntime(`${randomHex(16)}-1`, task, 1);
    });

    it("are taken or deleted, never both", async () => {
      for (let round = 0; round < 10; round++) {
        const runtime = newRuntime({ state: "ready" });
        const id = idOf(runtime);
        await store().changeRuntime(id, () => runtime);
        const task = newTaskId();
        const [isTaken, deleted] = await Promise.all([
          store().takeRuntime(id, task, 2),
          store().changeRuntime(id, (now) => (now?.users.length === 0 ? { ...now, state: "deleting" } : undefined)),
        ]);
        expect(deleted?.state === "deleting").toBe(!isTaken);
        const now = await store().getRuntime(id);
        expect(now).toMatchObject(isTaken ? { state: "ready", users: [task] } : { state: "deleting", users: [] });
      }
    });

    it("are listed by what they have in common, and all together", async () => {
      const fingerprint = randomHex(16);
      const alike = [1, 2, 10].map((generation) => ({ generation, runtime: newRuntime({ fingerprint }) }));
      const other = newRuntime({ fingerprint: `${fingerprint}0` });
      for (const { generation, runtime } of alike)
        await store().changeRuntime(idOf(runtime, generation), () => runtime);
      await store().changeRuntime(idOf(other), () => other);
      const namesOf = (runtimes: SharedRuntime[]) => runtimes.map(({ name }) => name).sort();
      expect(namesOf(await store().listRuntimes(fingerprint))).toEqual(
        namesOf(alike.map(({ runtime }) => ({ ...runtime, id: "", revision: 1 }))),
      );
      expect(namesOf(await store().listRuntimes())).toEqual(
        expect.arrayContaining([...alike.map(({ runtime }) => runtime.name), other.name]),
      );
      expect(await store().listRuntimes("nobody's")).toEqual([]);
    });

    it("are forgotten a day after they are gone, and never before", async () => {
      let nowMs = Date.UTC(2026, 0, 1);
      const opened = await open({ now: () => nowMs });
      const [kept, gone] = [newRuntime({ state: "deleting" }), newRuntime({ state: "gone" })];
      for (const each of [kept, gone]) await opened.store.changeRuntime(idOf(each), () => each);
      nowMs += 80_000_000;
      expect(await opened.store.getRuntime(idOf(gone))).toMatchObject({ state: "gone" });
      for (let day = 0; day < 3; day++) {
        nowMs += 86_400_000;
        // The expiry clock of a machine follows a leap by no more than two days.
        await opened.store.get(newTaskId());
      }
      expect(await opened.store.getRuntime(idOf(gone))).toBeUndefined();
      expect(await opened.store.listRuntimes(gone.fingerprint)).toEqual([]);
      expect(await opened.store.getRuntime(idOf(kept))).toMatchObject({ state: "deleting" });
      const anew = await opened.store.changeRuntime(idOf(gone), (seen) => (seen ? undefined : newRuntime(gone)));
      expect(anew).toMatchObject({ revision: 1 });
      await opened.close();
    });

    it("are found again when the store is opened anew", async () => {
      const opened = await open();
      const runtime = newRuntime();
      await opened.store.changeRuntime(idOf(runtime), () => runtime);
      const again = await opened.reopen();
      expect(await again.listRuntimes(runtime.fingerprint)).toEqual([{ ...runtime, id: idOf(runtime), revision: 1 }]);
      await opened.close();
    });
  });
}
