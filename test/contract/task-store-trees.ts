import { describe, expect, it } from "vitest";
import { newTaskId } from "../../lib/contract/task-id.ts";
import { makeTask, moved, withFields } from "./make-task.ts";
import { sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

const room = { mostTasks: 100, mostChildren: 100 };

export function treesSuite(open: OpenStoreFunction): void {
  describe("trees", () => {
    const store = sharedStore(open);

    it("know nothing of a task that dispatched none", async () => {
      expect(await store().getTree(newTaskId())).toBeUndefined();
    });

    it("count each task once, however often it is counted, and by its parent", async () => {
      const [root, first, second] = [newTaskId(), newTaskId(), newTaskId()];
      for (let again = 0; again < 3; again++) {
        expect(await store().enterTree(root, { taskId: first, parent: root }, room)).toBe("entered");
        expect(await store().enterTree(root, { taskId: second, parent: first }, room)).toBe("entered");
      }
      expect(await store().getTree(root)).toEqual({
        tasks: [first, second].sort(),
        children: { [root]: 1, [first]: 1 },
        spentUsd: 0,
        setAsideUsd: {},
      });
      expect(await store().getTree(first)).toBeUndefined();
    });

    it.each([
      ["tree_full", { mostTasks: 10, mostChildren: 100 }],
      ["children_full", { mostTasks: 100, mostChildren: 10 }],
    ] as const)("let 10 of 100 in at once, and say %s to the others; who is in stays in", async (refused, most) => {
      const root = newTaskId();
      const all = Array.from({ length: 100 }, () => ({ taskId: newTaskId(), parent: root }));
      const answers = await Promise.all(all.map((child) => store().enterTree(root, child, most)));
      expect(answers.filter((answer) => answer === "entered")).toHaveLength(10);
      expect(answers.filter((answer) => answer === refused)).toHaveLength(90);
      const inside = all.filter((_, at) => answers[at] === "entered");
      expect((await store().getTree(root))?.tasks).toEqual(inside.map(({ taskId }) => taskId).sort());
      for (const child of inside) expect(await store().enterTree(root, child, most)).toBe("entered");
      const other = { taskId: newTaskId(), parent: newTaskId() };
      expect(await store().enterTree(root, other, most)).toBe(refused === "tree_full" ? "tree_full" : "entered");
    });

    it("let nobody in where none may be", async () => {
      const child = { taskId: newTaskId(), parent: newTaskId() };
      expect(await store().enterTree(child.parent, child, { ...room, mostChildren: 0 })).toBe("children_full");
      expect(await store().enterTree(child.parent, child, { ...room, mostTasks: 0 })).toBe("tree_full");
      expect(await store().getTree(child.parent)).toBeUndefined();
    });

    it("set no more aside for a hundred at once than is left, and again the same for the same", async () => {
      const root = newTaskId();
      const all = Array.from({ length: 100 }, () => newTaskId());
      await Promise.all(all.map((taskId) => store().enterTree(root, { taskId, parent: root }, room)));
      const [paid = "", ...others] = all;
      await store().addCost(root, paid, 1.5);
      const amounts = await Promise.all(others.map((taskId) => store().setAside(root, taskId, 0.3, 9)));
      const sum = (numbers: (number | undefined)[]) => numbers.reduce<number>((all, one = 0) => all + one, 0);
      expect(sum(amounts)).toBeCloseTo(7.5, 6);
      expect(amounts.filter((amount) => amount === 0.3)).toHaveLength(25);
      expect(amounts.filter((amount) => amount === 0)).toHaveLength(74);
      const again = await Promise.all(others.map((taskId) => store().setAside(root, taskId, 5, 9)));
      expect(again).toEqual(amounts);
      const known = (await store().getTree(root))?.setAsideUsd ?? {};
      expect(others.map((taskId) => known[taskId] ?? 0)).toEqual(amounts);
      // What it has cost stands in its place, more or less than that.
      const [first = "", second = ""] = others.filter((_, at) => amounts[at] === 0.3);
      const waits = others.filter((_, at) => amounts[at] === 0);
      await store().addCost(root, first, 0.1);
      await store().addCost(root, second, 0.4);
      expect(await store().getTree(root)).toMatchObject({ spentUsd: 2 });
      expect(await store().setAside(root, waits[0] ?? "", 0.3, 9)).toBeCloseTo(0.1, 6);
      expect(await store().setAside(root, waits[1] ?? "", 0.3, 9)).toBe(0);
      expect(await store().setAside(root, waits[1] ?? "", 0.3, 20)).toBe(0.3);
    });

    it("tell what is spent and set aside in all, and for those who are asked for", async () => {
      const [root, first, second, third] = [newTaskId(), newTaskId(), newTaskId(), newTaskId()];
      const nothing = { spentUsd: 0, setAsideUsd: 0, asideOf: {} };
      expect(await store().getSpending(root, [root, first])).toEqual(nothing);
      for (const taskId of [first, second, third]) await store().enterTree(root, { taskId, parent: root }, room);
      expect(await store().getSpending(root, [first])).toEqual(nothing);
      await store().setAside(root, first, 0.5, 9);
      await store().setAside(root, second, 0.25, 9);
      await store().addCost(root, third, 1.5);
      const known = { spentUsd: 1.5, setAsideUsd: 0.75 };
      expect(await store().getSpending(root, [root, second, third])).toEqual({ ...known, asideOf: { [second]: 0.25 } });
      await store().addCost(root, first, 0.5);
      expect(await store().getSpending(root, [])).toEqual({ spentUsd: 2, setAsideUsd: 0.25, asideOf: {} });
    });

    it("set nothing aside for a task that was paid for, or that is not there", async () => {
      const [root, taskId] = [newTaskId(), newTaskId()];
      expect(await store().setAside(root, taskId, 1, 9)).toBeUndefined();
      await store().enterTree(root, { taskId, parent: root }, room);
      expect(await store().setAside(root, taskId, 1, 0)).toBe(0);
      expect(await store().setAside(root, taskId, 1, -2)).toBe(0);
      await store().addCost(root, taskId, 0);
      expect(await store().setAside(root, taskId, 1, 9)).toBeUndefined();
    });

    it("have what a task cost when whoever waits for its end hears of it", async () => {
      const root = newTaskId();
      const task = makeTask({ root, parent: root, depth: 1, status: "completing" });
      await store().create(task);
      await store().enterTree(root, { taskId: task.id, parent: root }, room);
      const known = await store().get(task.id);
      const heard = store()
        .waitForChange(task.id, known?.revision ?? 0, 60_000)
        .then(() => store().getSpending(root, []));
      await store().change(task.id, (now) => withFields(moved(now, "succeeded"), { usage: { costUsd: 2 } }));
      expect(await heard).toMatchObject({ spentUsd: 2 });
    });

    it("add the cost of each once, by whoever comes at once and later; of a stranger none", async () => {
      const root = newTaskId();
      const all = Array.from({ length: 5 }, () => newTaskId());
      for (const taskId of all) await store().enterTree(root, { taskId, parent: root }, room);
      const pay = all.flatMap((taskId, at) => [0, 1, 2].map(() => store().addCost(root, taskId, (at + 1) / 4)));
      await Promise.all(pay);
      for (const taskId of all) await store().addCost(root, taskId, 7);
      await store().addCost(root, newTaskId(), 7);
      await store().addCost(newTaskId(), newTaskId(), 7);
      expect(await store().getTree(root)).toMatchObject({ tasks: all.sort(), spentUsd: 3.75 });
      expect(await store().enterTree(root, { taskId: all[0] ?? "", parent: root }, { ...room, mostTasks: 5 })).toBe(
        "entered",
      );
      expect((await store().getTree(root))?.children).toEqual({ [root]: 5 });
    });
  });
}
