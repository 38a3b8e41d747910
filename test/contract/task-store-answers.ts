import { describe, expect, it } from "vitest";
import type { Task } from "../../lib/contract/task.ts";
import { randomHex } from "../../lib/contract/task-id.ts";
import { ANSWER_PLACES } from "../../lib/store/answers.ts";
import { makeTask, moved, type TaskFields } from "./make-task.ts";
import { newOwner, sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

const start = Date.UTC(2026, 0, 1);
const done = { output: "well", outcome: "done" };

export function answersSuite(open: OpenStoreFunction): void {
  describe("answers that the same requests may have again", () => {
    const store = sharedStore(open);
    /** A task with that key that has ended at a time, with a result. */
    const ended = async (owner: string, answerKey: string, atMs = start, more: TaskFields = {}): Promise<Task> => {
      const task = makeTask({ owner, answerKey, taskType: "agent.run", status: "completing", ...more });
      await store().create(task);
      const result = "result" in more ? more.result : done;
      return store().change(task.id, (now) => moved({ ...now, result } as Task, "succeeded", atMs));
    };

    it("are there with the end of the task, to the owner and the key alone", async () => {
      const [owner, key] = [newOwner(), randomHex(64)];
      const task = makeTask({ owner, answerKey: key, taskType: "agent.run", status: "completing" });
      await store().create(task);
      expect(await store().findAnswer(owner, key)).toBeUndefined();
      await store().change(task.id, (now) => moved({ ...now, result: done } as Task, "succeeded", start));
      expect(await store().findAnswer(owner, key)).toBe(task.id);
      expect(await store().findAnswer(newOwner(), key)).toBeUndefined();
      expect(await store().findAnswer(owner, randomHex(64))).toBeUndefined();
      const later = await ended(owner, key, start + 1);
      expect(await store().findAnswer(owner, key)).toBe(later.id);
    });

    const no: [what: string, more: TaskFields][] = [
      ["is partial", { result: { ...done, outcome: "partial" } }],
      ["needs input", { result: { ...done, outcome: "needs_input" } }],
      ["does not say", { result: { ...done, outcome: null } }],
      ["was denied a tool", { result: { ...done, deniedTools: ["Bash"] } }],
      ["is no object", { result: "well" }],
      ["was to be JSON and is none", { responseFormat: {}, result: { ...done, parseError: "no JSON" } }],
      ["is of a program", { taskType: "command.run", result: done }],
    ];
    it.each(no)("are none where it %s", async (_, more) => {
      const [owner, key] = [newOwner(), randomHex(64)];
      await ended(owner, key, start, more);
      expect(await store().findAnswer(owner, key)).toBeUndefined();
      expect(await store().answerStats(owner, 0)).toEqual({ size: 0, hits: 0, misses: 0 });
    });

    it("are JSON where that was asked for, and none of a task that failed", async () => {
      const [owner, key, other] = [newOwner(), randomHex(64), randomHex(64)];
      await ended(owner, key, start, { responseFormat: {}, result: { output: "{}", outcome: null, result: {} } });
      expect(await store().findAnswer(owner, key)).toBeDefined();
      const failed = makeTask({ owner, answerKey: other, taskType: "agent.run", status: "completing" });
      await store().create(failed);
      await store().change(failed.id, (now) => moved({ ...now, result: done } as Task, "failed"));
      expect(await store().findAnswer(owner, other)).toBeUndefined();
    });

    it("give their place to the next: there are only so many", async () => {
      const owner = newOwner();
      const place = (n: number) => n.toString(16).padStart(8, "0") + randomHex(56);
      const [first, second, third] = [place(3), place(3 + ANSWER_PLACES), place(4)];
      await ended(owner, first);
      const taken = await ended(owner, second);
      const kept = await ended(owner, third);
      expect(await store().findAnswer(owner, first)).toBeUndefined();
      expect(await store().findAnswer(owner, second)).toBe(taken.id);
      expect(await store().findAnswer(owner, third)).toBe(kept.id);
      expect(await store().answerStats(owner, 0)).toMatchObject({ size: 2 });
    });

    it("are counted, by their age and by their use, and cleared for their owner alone", async () => {
      const [owner, other, key] = [newOwner(), newOwner(), randomHex(64)];
      await ended(owner, key, start);
      await ended(owner, randomHex(64), start + 2000);
      await ended(other, key, start);
      for (const found of [true, true, false]) await store().noteLookup(owner, found);
      expect(await store().answerStats(owner, 0)).toEqual({ size: 2, hits: 2, misses: 1 });
      expect(await store().answerStats(owner, start)).toMatchObject({ size: 1 });
      expect(await store().clearAnswers(owner, { nowMs: start + 3000, sinceMs: 0 })).toBe(2);
      expect(await store().answerStats(owner, 0)).toEqual({ size: 0, hits: 0, misses: 0 });
      expect(await store().findAnswer(owner, key)).toBeUndefined();
      expect(await store().findAnswer(other, key)).toBeDefined();
      const again = await ended(owner, key, start + 4000);
      expect(await store().findAnswer(owner, key)).toBe(again.id);
      expect(await store().clearAnswers(owner, { nowMs: start + 5000, sinceMs: 0 })).toBe(1);
    });
  });
}
