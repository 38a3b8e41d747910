import { describe, expect, it } from "vitest";
import type { TaskArtifact } from "../../lib/contract/task.ts";
import { newTaskId } from "../../lib/contract/task-id.ts";
import { ARTIFACTS_PER_PAGE } from "../../lib/store/artifact-pages.ts";
import { bytes, describeContent } from "./make-task.ts";
import { hostileStrings, sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

const artifact = (id: number | string, more: Partial<TaskArtifact> = {}) =>
  describeContent(bytes("x"), { id: `artifact-${id}`, createdAt: "2026-01-02T03:04:05.678Z", ...more });

export function artifactsOfTasksSuite(open: OpenStoreFunction): void {
  describe("artifacts of a task", () => {
    const store = sharedStore(open);
    const all = async (taskId: string) => {
      const pages: TaskArtifact[][] = [];
      for (let page = 0; ; page++) {
        const artifacts = await store().getArtifacts(taskId, page);
        if (artifacts.length === 0) return pages;
        pages.push(artifacts);
      }
    };

    it("come back in pages, in order, and stay as they were first", async () => {
      const taskId = newTaskId();
      expect(await store().getArtifacts(taskId, 0)).toEqual([]);
      await store().addArtifacts(taskId, []);
      const artifacts = Array.from({ length: 2 * ARTIFACTS_PER_PAGE + 1 }, (_, i) => artifact(i));
      await store().addArtifacts(taskId, artifacts);
      await store().addArtifacts(
        taskId,
        artifacts.map((each) => ({ ...each, name: "again" })),
      );
      const pages = await all(taskId);
      expect(pages.map(({ length }) => length)).toEqual([ARTIFACTS_PER_PAGE, ARTIFACTS_PER_PAGE, 1]);
      expect(pages.flat()).toEqual(artifacts);
    });

    it("change where they are, and nobody's change is lost", async () => {
      const taskId = newTaskId();
      const ids = Array.from({ length: 8 }, (_, i) => `artifact-${i}`);
      await store().addArtifacts(
        taskId,
        ids.map((_, i) => artifact(i)),
      );
      const stored = (id: string) =>
        store().changeArtifacts(taskId, 0, (now) =>
          now.map((each) => (each.id === id ? { ...each, state: "stored" } : each)),
        );
      await Promise.all(ids.map(stored));
      expect((await all(taskId)).flat().map(({ state }) => state)).toEqual(ids.map(() => "stored"));
      const untouched = await store().changeArtifacts(taskId, 0, () => undefined);
      expect(untouched).toHaveLength(8);
      expect(await store().changeArtifacts(taskId, 7, (now) => now)).toEqual([]);
    });

    it.each([
      ["ASCII", "x"],
      ["characters of three bytes", "漢"],
      ["characters of two units", "😀"],
      ["characters that JSON writes with six", "\u0001"],
    ])("take the longest names and reasons there are: %s", async (_, character) => {
      const taskId = newTaskId();
      const noise = () => Array.from({ length: 500 / character.length }, () => character).join("");
      const name = (i: number) => `${i}${noise()}`.slice(0, 500);
      const long = Array.from({ length: ARTIFACTS_PER_PAGE }, (_, i) =>
        artifact(String(i).padEnd(90, "x"), { name: name(i), contentType: "x".repeat(200), reason: noise() }),
      );
      await store().addArtifacts(taskId, long);
      expect(
        await store().changeArtifacts(taskId, 0, (now) => now.map((each) => ({ ...each, state: "lost" }))),
      ).toHaveLength(ARTIFACTS_PER_PAGE);
      expect((await all(taskId)).flat().map((each) => each.name)).toEqual(long.map((each) => each.name));
    });

    it.each(hostileStrings)("keep hostile names: %j", async (name) => {
      const taskId = newTaskId();
      await store().addArtifacts(taskId, [artifact(1, { name })]);
      expect(await store().getArtifacts(taskId, 0)).toEqual([artifact(1, { name })]);
    });
  });
}
