import { describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../lib/contract/costs/ledger.ts";
import type { Task } from "../../lib/contract/task.ts";
import { makeTask, moved } from "./make-task.ts";
import { newOwner, sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

const at = (ms: number) => new Date(ms).toISOString();
/** A task that was dispatched so long after the beginning of 2026 and has run for two seconds. */
const started = (owner: string, afterMs = 0, more: Parameters<typeof makeTask>[0] = {}): Task => {
  const createdAt = at(Date.UTC(2026, 0, 1) + afterMs);
  return makeTask({ owner, createdAt, status: "running", phases: { queued: createdAt, running: createdAt }, ...more });
};

export function ledgerSuite(open: OpenStoreFunction): void {
  describe("what tasks took", () => {
    const store = sharedStore(open);
    const all = { sinceMs: 0, limit: 100 };
    const end = (task: Task, more: Partial<Task> = {}) =>
      store().change(task.id, (now) => {
        const ms = Date.parse(now.createdAt) + 2000;
        return { ...moved({ ...moved(now, "completing", ms), ...more } as Task, "succeeded", ms + 500) };
      });

    it("is there with the end of a task, once, and not before", async () => {
      const owner = newOwner();
      const task = started(owner, 0, {
        taskType: "agent.run",
        framework: "claude-code",
        target: { mode: "session", details: { workspace: "/srv/api" } },
        usage: { inputTokens: 10, outputTokens: 3, costUsd: 0.25, model: "small", turns: 2 },
        conversation: { id: "conversation_1" },
        obligations: { slot: "local" },
      });
      await store().create(task);
      await store().change(task.id, (now) => ({ ...now, workerSequence: 7 }));
      expect(await store().listLedger(owner, all)).toEqual([]);
      await end(task, { result: { output: "well", outcome: "done" } });
      const entry: LedgerEntry = {
        v: 1,
        taskId: task.id,
        owner,
        status: "succeeded",
        taskType: "agent.run",
        profile: "local",
        framework: "claude-code",
        model: "small",
        workspace: "/srv/api",
        tree: task.id,
        conversation: "conversation_1",
        createdAtMs: Date.parse(task.createdAt),
        endedAtMs: Date.parse(task.createdAt) + 2500,
        ranMs: 2000,
        outcome: "done",
        inputTokens: 10,
        outputTokens: 3,
        turns: 2,
        costUsd: 0.25,
      };
      expect(await store().listLedger(owner, all)).toEqual([entry]);
      // What it owed is settled later.
      await store().change(task.id, (now) => ({ ...now, obligations: {} }));
      await store().change(task.id, (now) => ({ ...now, usage: { costUsd: 0.5 } }));
      expect(await store().listLedger(owner, all)).toMatchObject([{ taskId: task.id, costUsd: 0.5 }]);
    });

    it("is told of one that failed or was cancelled, with its place in its tree", async () => {
      const owner = newOwner();
      const failed = started(owner, 1000, { parent: "task_parent", root: "task_root" });
      const cancelled = makeTask({ owner, createdAt: at(Date.UTC(2026, 0, 1)), parent: "task_parent" });
      await store().create(failed);
      await store().create(cancelled);
      await store().change(failed.id, (now) => moved(now, "failed"));
      await store().change(cancelled.id, (now) => moved(now, "cancelled"));
      expect(await store().listLedger(owner, all)).toMatchObject([
        { status: "failed", error: "task.exit_code", tree: "task_root", parent: "task_parent" },
        { status: "cancelled", tree: "task_parent" },
      ]);
    });

    it("is told of one that was made ended, and stays when that is made again", async () => {
      const owner = newOwner();
      const refused = makeTask({ owner, status: "failed" });
      expect(await store().create(refused)).toBe(true);
      const later = makeTask({ owner, id: refused.id, createdAt: refused.createdAt, status: "failed", profile: "x" });
      expect(await store().create(later)).toBe(false);
      expect(await store().listLedger(owner, all)).toMatchObject([{ profile: "local", status: "failed" }]);
    });

    it("is told nothing of one that would have been made as ended, where it is there and runs", async () => {
      const owner = newOwner();
      const runs = started(owner);
      await store().create(runs);
      const refused = makeTask({ owner, id: runs.id, createdAt: at(Date.UTC(2026, 0, 2)), status: "failed" });
      expect(await store().create(refused)).toBe(false);
      expect(await store().listLedger(owner, all)).toEqual([]);
      await end(runs);
      expect(await store().create(refused)).toBe(false);
      expect(await store().listLedger(owner, all)).toMatchObject([{ taskId: runs.id, status: "succeeded" }]);
    });

    it("comes the newest first, page by page, since a time, to its owner alone", async () => {
      const owner = newOwner();
      const tasks = [0, 1000, 2000, 2000, 3000].map((ms) => started(owner, ms));
      const other = started(`${owner}x`, 1000);
      for (const task of [...tasks, other]) {
        await store().create(task);
        await end(task);
      }
      const whole = await store().listLedger(owner, all);
      expect(whole.map(({ taskId }) => taskId).sort()).toEqual(tasks.map(({ id }) => id).sort());
      expect(whole.map(({ createdAtMs }) => createdAtMs - Date.UTC(2026, 0, 1))).toEqual([3000, 2000, 2000, 1000, 0]);
      const first = await store().listLedger(owner, { ...all, limit: 2 });
      const rest = await store().listLedger(owner, { ...all, limit: 2, after: first.at(-1) });
      const last = await store().listLedger(owner, { ...all, limit: 2, after: rest.at(-1) });
      expect([...first, ...rest, ...last]).toEqual(whole);
      expect(await store().listLedger(owner, { ...all, after: last.at(-1) })).toEqual([]);
      const since = { ...all, sinceMs: Date.UTC(2026, 0, 1) + 2000 };
      expect(await store().listLedger(owner, since)).toEqual(whole.slice(0, 3));
      expect(await store().listLedger(owner, { ...since, limit: 2, after: rest[0] })).toEqual([]);
    });

    it("is there once where many end a task at the same time", async () => {
      const owner = newOwner();
      const task = started(owner);
      await store().create(task);
      await Promise.all(
        Array.from({ length: 5 }, () =>
          store()
            .change(task.id, (now) => moved(moved(now, "completing"), "succeeded"))
            .catch(() => {}),
        ),
      );
      expect(await store().listLedger(owner, all)).toHaveLength(1);
    });
  });
}
