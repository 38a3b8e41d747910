import { describe, expect, it } from "vitest";
import { isSettled } from "../../../lib/contract/task.ts";
import { newTaskId } from "../../../lib/contract/task-id.ts";
import { TaskService } from "../../../lib/engine/service.ts";
import { boundByTree } from "../../../lib/engine/tree/bound.ts";
import { makeTask } from "../../contract/make-task.ts";
import { mortalPorts } from "../../fixtures/mortal-ports.ts";
import { type Kind, planesOn, refusal } from "./planes.ts";

/** What holds for a tree of tasks, on either store. */
export function guardOn(kind: Kind): void {
  const plane = planesOn(kind);

  describe("a limit of a tree", () => {
    it("lets ten of a hundred in that are dispatched at once, and says whose it is and how to raise it", async () => {
      for (const limit of ["maxChildren", "maxTreeTasks"] as const) {
        const value = limit === "maxChildren" ? 10 : 11;
        const { spawn, run, ports, owner } = plane({ [limit]: value });
        const root = await spawn();
        await run(root);
        const all = await Promise.all(Array.from({ length: 100 }, () => refusal(spawn({ parent: root }))));
        const refused = all.filter((each) => each instanceof Error);
        expect(refused).toHaveLength(90);
        for (const error of refused)
          expect(error).toMatchObject({
            code: "tree.limit",
            message: expect.stringContaining(root),
            hint: expect.stringContaining(`${limit}, under limits`),
            details: { root, limit, value },
          });
        expect((await ports.store.list(owner, { limit: 100 })).items).toHaveLength(11);
      }
    });

    it("counts the whole tree, also what has ended, and each parent by itself", async () => {
      const { spawn, run, end, clean, read } = plane({ maxTreeTasks: 5, maxChildren: 2 });
      const root = await spawn();
      await run(root);
      const [first, second] = [await spawn({ parent: root }), await spawn({ parent: root })];
      for (const id of [first, second]) await run(id);
      expect(await refusal(spawn({ parent: root }))).toMatchObject({ details: { limit: "maxChildren", taskId: root } });
      await spawn({ parent: first });
      await end(second);
      await clean(second);
      const last = await spawn({ parent: first });
      expect(await read(last)).toMatchObject({ root, parent: first, depth: 2 });
      expect(await refusal(spawn({ parent: last }))).toMatchObject({ details: { root, limit: "maxTreeTasks" } });
      // Another tree has room.
      const other = await spawn();
      await run(other);
      await spawn({ parent: other });
    });

    it("is not reached by the same call again, which is the same task", async () => {
      const { spawn, run } = plane({ maxChildren: 1 });
      const parent = await spawn();
      await run(parent);
      const call = { parent, command: "true once", key: "k" };
      const ids = await Promise.all(Array.from({ length: 8 }, () => spawn(call)));
      expect(new Set(ids).size).toBe(1);
      expect(await spawn(call)).toBe(ids[0]);
      expect(await refusal(spawn({ parent }))).toMatchObject({ code: "tree.limit" });
    });

    it("is not passed, nor a place lost, by the call again of one who died after any write of it", async () => {
      for (let dies = 1; ; dies++) {
        const { spawn, run, ports } = plane({ maxChildren: 1 });
        const parent = await spawn();
        await run(parent);
        const call = { parent, command: "true once", key: "k" };
        const mortal = mortalPorts(ports, { dies });
        await spawn(call, mortal).catch(() => {});
        const id = await spawn(call);
        expect(await ports.store.getTree(parent)).toMatchObject({ tasks: [id], children: { [parent]: 1 } });
        expect(await refusal(spawn({ parent }))).toMatchObject({ code: "tree.limit" });
        if (mortal.died.yet) continue;
        expect(dies).toBeGreaterThan(3);
        return;
      }
    });

    it("on depth is the root's and the task's own, whichever is lower", async () => {
      const { spawn, run } = plane({ maxDepth: 2 }, { deep: { maxDepth: 5 }, flat: { maxDepth: 0 } });
      const root = await spawn();
      let parent = root;
      for (let depth = 1; depth <= 2; depth++) {
        await run(parent);
        expect(await refusal(spawn({ parent, runtime: "flat" }))).toMatchObject({ details: { root, value: 0 } });
        parent = await spawn({ parent, runtime: "deep" });
      }
      await run(parent);
      expect(await refusal(spawn({ parent, runtime: "deep" }))).toMatchObject({
        code: "tree.limit",
        details: { root, limit: "maxDepth", value: 2 },
      });
    });
  });

  describe("the budget of a tree", () => {
    it("is drawn on by what ends, and refuses a child when nothing is left, and fails those that wait", async () => {
      const { spawn, run, end, clean, provision, read, ports } = plane({ treeBudgetUsd: 5 });
      const root = await spawn();
      await run(root);
      const [first, second, third] = [
        await spawn({ parent: root }),
        await spawn({ parent: root }),
        await spawn({ parent: root }),
      ];
      await run(first);
      await end(first, { usd: 3 });
      await clean(first);
      // Its clean-up may come again.
      await clean(first);
      expect(await ports.store.getTree(root)).toMatchObject({ spentUsd: 3 });
      await spawn({ parent: root });
      await run(second);
      await end(second, { usd: 2, status: "failed" });
      await clean(second);
      const none = { root, limit: "treeBudgetUsd", value: 5 };
      expect(await refusal(spawn({ parent: root }))).toMatchObject({ code: "tree.limit", details: none });
      expect(await refusal(provision(third))).toMatchObject({ code: "task.budget", details: none });
      expect(await read(root)).toMatchObject({ status: "running" });
    });

    it("has what a task cost from the moment that its end is seen, before anything of it is cleaned up", async () => {
      const { spawn, run, end, clean, provision, read, ports } = plane(
        { treeBudgetUsd: 5 },
        { bounded: { maxBudgetUsd: 5 } },
      );
      const root = await spawn();
      await run(root);
      const first = await spawn({ parent: root, taskType: "agent.run", runtime: "bounded" });
      await provision(first);
      await run(first);
      await end(first, { usd: 2 });
      const second = await spawn({ parent: root, taskType: "agent.run", runtime: "bounded" });
      await provision(second);
      expect(await ports.store.getTree(root)).toMatchObject({ spentUsd: 2, setAsideUsd: { [second]: 3 } });
      await run(second);
      await end(second, { usd: 3, status: "failed" });
      expect(await refusal(spawn({ parent: root }))).toMatchObject({ details: { limit: "treeBudgetUsd" } });
      for (const id of [first, second]) await clean(id);
      expect(await ports.store.getTree(root)).toMatchObject({ spentUsd: 5, setAsideUsd: {} });
      expect(await read(root)).toMatchObject({ status: "running" });
    });

    it("counts what the root and those above one have spent so far", async () => {
      const { spawn, run, ports } = plane({ treeBudgetUsd: 5 });
      const root = await spawn();
      await run(root);
      const child = await spawn({ parent: root });
      await run(child);
      for (const id of [root, child]) await ports.store.change(id, (task) => ({ ...task, usage: { costUsd: 2.5 } }));
      expect(await refusal(spawn({ parent: child }))).toMatchObject({ details: { limit: "treeBudgetUsd" } });
    });
  });

  describe("what bounded agents may spend", () => {
    const agent = { taskType: "agent.run", runtime: "bounded" } as const;
    const profiles = { bounded: { maxBudgetUsd: 2 } };

    it("is not what the tree has left of one that nobody bounds, also when its start is repeated", async () => {
      const { spawn, run, read, move, ports } = plane({ treeBudgetUsd: 9 }, profiles);
      const root = await spawn();
      await run(root);
      const id = await spawn({ parent: root, taskType: "agent.run" });
      await move(id, "starting");
      for (let again = 0; again < 2; again++) await boundByTree(ports, await read(id));
      expect((await read(id)).limits.maxBudgetUsd).toBe(9);
      expect((await ports.store.getTree(root))?.setAsideUsd).toEqual({});
    });

    it("is never together more than the budget, however many begin at once; a refusal says whose limit it is", async () => {
      const { spawn, run, provision, read, move, ports } = plane({ treeBudgetUsd: 9 }, profiles);
      const root = await spawn();
      await run(root);
      const sister = await spawn({ parent: root });
      await ports.store.addCost(root, sister, 2);
      const ids = await Promise.all(Array.from({ length: 20 }, () => spawn({ parent: root, ...agent })));
      const all = await Promise.all(ids.map(async (id) => ({ id, error: await refusal(provision(id)) })));
      const begun = all.filter(({ error }) => error === "not refused");
      expect(begun).toHaveLength(4);
      for (const { error } of all)
        if (error !== "not refused")
          expect(error).toMatchObject({
            code: "task.budget",
            message: `nothing is left to spend beside 7 that tasks which run may: treeBudgetUsd is 9 in the tree of task ${root}`,
            details: { root, limit: "treeBudgetUsd", value: 9, setAsideUsd: 7 },
          });
      const handed = await Promise.all(
        begun.map(async ({ id }) => {
          await move(id, "starting");
          // A step may be repeated.
          for (let again = 0; again < 2; again++) await boundByTree(ports, await read(id));
          return (await read(id)).limits.maxBudgetUsd ?? 0;
        }),
      );
      expect(handed.sort()).toEqual([1, 2, 2, 2]);
    });

    it("is there for others once they have ended, less what they cost, whether or not they began", async () => {
      const { spawn, run, end, clean, provision, read, move, ports } = plane({ treeBudgetUsd: 4 }, profiles);
      const root = await spawn();
      await run(root);
      const [first = "", second = "", third = ""] = await Promise.all(
        [1, 2, 3].map(() => spawn({ parent: root, ...agent })),
      );
      for (const id of [first, second]) await provision(id);
      // It waits, and is no more refused than a task that is dispatched now.
      const late = await spawn({ parent: root, ...agent });
      await run(first);
      await end(first, { usd: 0.5 });
      await clean(first);
      await move(second, "cancelling", "cancelled");
      await clean(second);
      expect(await ports.store.getTree(root)).toMatchObject({ spentUsd: 0.5, setAsideUsd: {} });
      for (const id of [third, late]) await provision(id);
      expect((await ports.store.getTree(root))?.setAsideUsd).toEqual({ [third]: 2, [late]: 1.5 });
      expect(await read(third)).toMatchObject({ limits: { maxBudgetUsd: 2 } });
    });

    it("is not below one that may still spend it itself", async () => {
      const { spawn, run, ports, provision } = plane({ treeBudgetUsd: 5 }, { bounded: { maxBudgetUsd: 3 } });
      const root = await spawn(agent);
      await run(root);
      const child = await spawn({ parent: root, ...agent });
      await provision(child);
      await run(child);
      expect((await ports.store.getTree(root))?.setAsideUsd).toEqual({ [child]: 2 });
      await ports.store.change(root, (task) => ({ ...task, usage: { costUsd: 1 } }));
      expect(await refusal(spawn({ parent: child }))).toMatchObject({
        code: "tree.limit",
        details: { root, limit: "treeBudgetUsd", setAsideUsd: 4 },
      });
    });
  });

  describe("a loop of dispatches", () => {
    it("is refused with the chain", async () => {
      const { spawn, run } = plane();
      const root = await spawn({ command: "true a" });
      await run(root);
      const middle = await spawn({ parent: root, command: "true b" });
      await run(middle);
      const error = await refusal(spawn({ parent: middle, command: "true a" }));
      expect(error).toMatchObject({
        code: "tree.loop",
        message: expect.stringContaining(`${root} > ${middle} > this one`),
        details: { chain: [root, middle], taskId: root },
      });
      expect(await refusal(spawn({ parent: middle, command: "true b" }))).toMatchObject({
        details: { chain: [middle] },
      });
    });

    it("is none where another profile is asked, and none between sisters", async () => {
      const { spawn, run } = plane({}, { other: {} });
      const root = await spawn({ command: "true a" });
      await run(root);
      await spawn({ parent: root, command: "true a", runtime: "other" });
      for (const _ of [1, 2]) await spawn({ parent: root, command: "true b" });
    });

    it("is none in another folder, and one again in the same", async () => {
      const { spawn, run } = plane();
      const root = await spawn({ folder: "/tmp/a" });
      await run(root);
      const child = await spawn({ parent: root, command: "true 0", folder: "/tmp/b" });
      await run(child);
      const error = await refusal(spawn({ parent: child, command: "true 0", folder: "/tmp/b" }));
      expect(error).toMatchObject({ code: "tree.loop", details: { chain: [child] } });
    });

    it("is found in what is too large for the record", async () => {
      const { spawn, run } = plane();
      const command = `true ${"x".repeat(200_000)}`;
      const root = await spawn({ command });
      await run(root);
      expect(await refusal(spawn({ parent: root, command }))).toMatchObject({ code: "tree.loop" });
      await spawn({ parent: root, command: `${command}y` });
    });
  });

  describe("a parent that ends", () => {
    it("leaves nothing: what runs below it is cancelled, what waits too, and nothing begins any more", async () => {
      const { spawn, run, end, clean, statuses, read, move } = plane({ maxRunning: 3 });
      const root = await spawn();
      await run(root);
      const child = await spawn({ parent: root });
      await run(child);
      const below = await spawn({ parent: child });
      await run(below);
      const [lent, waits] = [await spawn({ parent: root }), await spawn({ parent: root })];
      expect(await statuses(lent, waits)).toEqual(["provisioning", "queued"]);
      await end(root);
      expect(await refusal(spawn({ parent: root }))).toMatchObject({ code: "task.terminal" });
      await clean(root);
      expect(await statuses(child, below, lent, waits)).toEqual([
        "cancelling",
        "cancelling",
        "cancelling",
        "cancelled",
      ]);
      for (const id of [child, below, lent]) {
        await move(id, "cancelled");
        await clean(id);
      }
      for (const id of [root, child, below, lent, waits]) expect(isSettled(await read(id))).toBe(true);
    });

    it("leaves it to recovery, whoever dies of those who see to it", async () => {
      for (let dies = 1; ; dies++) {
        const { spawn, run, end, clean, statuses, read, ports, advance, recover } = plane();
        const root = await spawn();
        await run(root);
        const [first, second] = [await spawn({ parent: root }), await spawn({ parent: root })];
        for (const id of [first, second]) await run(id);
        await end(root);
        const mortal = mortalPorts(ports, { dies });
        await clean(root, mortal).catch(() => {});
        advance(20 * 60_000);
        await recover();
        if (!isSettled(await read(root))) await clean(root);
        expect(await statuses(first, second)).toEqual(["cancelling", "cancelling"]);
        expect(isSettled(await read(root))).toBe(true);
        if (mortal.died.yet) continue;
        expect(dies).toBeGreaterThan(3);
        return;
      }
    });

    it("does not let a child in that was being dispatched meanwhile, at whatever moment", async () => {
      for (let call = 1; ; call++) {
        const { spawn, run, end, clean, ports, owner, read } = plane();
        const root = await spawn();
        await run(root);
        let calls = 0;
        const before = async () => {
          if (++calls !== call) return;
          await end(root);
          await clean(root);
        };
        const child = await spawn({ parent: root }, mortalPorts(ports, { before })).catch(() => undefined);
        if (calls < call) {
          expect(call).toBeGreaterThan(5);
          return;
        }
        const { items } = await ports.store.list(owner, { limit: 10 });
        const left = items.filter(({ id, status }) => id !== root && !["cancelled", "cancelling"].includes(status));
        expect(left.map(({ id, status }) => [call, id, status])).toEqual([]);
        if (child) expect(["cancelled", "cancelling"]).toContain((await read(child)).status);
      }
    });

    it("hands what goes on to the owner where its profile keeps orphans", async () => {
      const { spawn, run, end, clean, statuses, read } = plane({}, { keeps: { orphans: "keep" } });
      const root = await spawn({ runtime: "keeps" });
      await run(root);
      const child = await spawn({ parent: root });
      await run(child);
      await end(root);
      await clean(root);
      expect(isSettled(await read(root))).toBe(true);
      expect(await statuses(child)).toEqual(["running"]);
      const below = await spawn({ parent: child });
      expect(await statuses(below)).toEqual(["provisioning"]);
      // It still counts, in the tree that it began in.
      expect(await read(below)).toMatchObject({ root });
    });
  });

  describe("a tree", () => {
    it("is shown from any task of it: who is in it, what it spent, and what is left of each limit", async () => {
      const { spawn, run, end, clean, ports, owner, read } = plane({
        treeBudgetUsd: 5,
        maxTreeTasks: 10,
        maxChildren: 3,
      });
      const root = await spawn();
      await run(root);
      const [first, second] = [await spawn({ parent: root }), await spawn({ parent: root })];
      await run(first);
      const below = await spawn({ parent: first });
      await ports.store.change(below, (task) => ({ ...task, usage: { costUsd: 0.5 } }));
      await run(second);
      await end(second, { usd: 2 });
      await clean(second);
      const view = await new TaskService(ports, owner).tree({ task_id: below });
      expect(view).toMatchObject({
        root,
        standing: {
          ...{ tasks: 4, running: 3, depth: 2, spentUsd: 2.5 },
          limits: {
            maxDepth: { value: 3, used: 2, left: 1 },
            maxChildren: { value: 3, used: 2, left: 1 },
            maxTreeTasks: { value: 10, used: 4, left: 6 },
            treeBudgetUsd: { value: 5, used: 2.5, left: 2.5 },
            treeTimeoutSeconds: { value: 604_800 },
          },
          endsAt: new Date((await read(first)).treeEndsAtMs ?? 0).toISOString(),
        },
      });
      expect(view.items.map(({ id, parent, children, costUsd }) => [id, parent, children, costUsd])).toEqual([
        [root, undefined, 2, 0],
        ...[first, second].map((id) => [id, root, id === first ? 1 : 0, id === second ? 2 : 0]),
        [below, first, 0, 0.5],
      ]);
      // The agent of a task sees what is below that alone.
      const ofFirst = await new TaskService({ ...ports, within: first }, owner).tree({ task_id: below });
      expect(ofFirst.items.map(({ id }) => id)).toEqual([below]);
      const alone = await spawn();
      expect(await new TaskService(ports, owner).tree({ task_id: alone })).toMatchObject({
        root: alone,
        items: [{ id: alone }],
        standing: { tasks: 1, limits: { maxDepth: { left: 3 } } },
      });
      await expect(new TaskService(ports, "somebody else").tree({ task_id: root })).rejects.toMatchObject({
        code: "task.not_found",
      });
    });

    it("whose root is forgotten is shown as far as it is known", async () => {
      const { ports, owner } = plane();
      const forgotten = newTaskId();
      const task = makeTask({ owner, profile: "local", parent: forgotten, root: forgotten, depth: 1 });
      await ports.store.create(task);
      const { items, standing } = await new TaskService(ports, owner).tree({ task_id: task.id });
      expect(items.map(({ id }) => id)).toEqual([task.id]);
      expect(standing).toMatchObject({ depth: 1, limits: { maxDepth: { value: 3, left: 2 } } });
    });

    it("is read in pages, by its own tasks and no others", async () => {
      const { spawn, run, ports, owner } = plane({ maxTreeTasks: 200, maxChildren: 200 });
      const root = await spawn();
      await run(root);
      const below = await Promise.all(Array.from({ length: 150 }, () => spawn({ parent: root })));
      await Promise.all(Array.from({ length: 150 }, () => spawn()));
      const read = new Set<string>();
      const get = (id: string) => {
        read.add(id);
        return ports.store.get(id);
      };
      const list = () => Promise.reject(new Error("the tasks of the owner are not gone through"));
      const tasks = new TaskService({ ...ports, store: { ...ports.store, get, list } }, owner);
      const seen: string[] = [];
      let pages = 0;
      for (let cursor: string | undefined; ; ) {
        const page = await tasks.tree({ task_id: below[7] ?? "", ...(cursor !== undefined && { cursor }) });
        expect("standing" in page).toBe(cursor === undefined);
        seen.push(...page.items.map(({ id }) => id));
        pages += 1;
        cursor = page.cursor;
        if (cursor === undefined) break;
      }
      expect(pages).toBeGreaterThan(1);
      expect(seen[0]).toBe(root);
      expect(seen.sort()).toEqual([root, ...below].sort());
      expect([...read].sort()).toEqual(seen);
    });
  });

  describe("the time of a tree", () => {
    it("is the root's from when that began, and refuses what is dispatched later", async () => {
      const { spawn, run, advance, read } = plane({ treeTimeoutSeconds: 600 });
      const root = await spawn();
      await run(root);
      advance(100_000);
      const child = await spawn({ parent: root });
      const began = Date.parse((await read(root)).phases.provisioning ?? "");
      expect((await read(child)).treeEndsAtMs).toBe(began + 600_000);
      expect((await read(root)).limits.timeoutSeconds).toBe(600);
      await run(child);
      advance(550_000);
      expect(await refusal(spawn({ parent: child }))).toMatchObject({
        code: "tree.limit",
        details: { root, limit: "treeTimeoutSeconds", value: 600 },
      });
    });

    it("and what is left to spend bound a child when its job is handed over, as its record says", async () => {
      const { spawn, run, advance, read, ports, move, end, clean } = plane({
        treeTimeoutSeconds: 600,
        treeBudgetUsd: 5,
      });
      const root = await spawn();
      await run(root);
      const sister = await spawn({ parent: root });
      await run(sister);
      await end(sister, { usd: 2 });
      await clean(sister);
      const [agent, command] = [await spawn({ parent: root, taskType: "agent.run" }), await spawn({ parent: root })];
      advance(500_000);
      for (const id of [agent, command]) {
        await move(id, "starting");
        await boundByTree(ports, await read(id));
        const { limits } = await read(id);
        expect(limits.timeoutSeconds).toBeLessThanOrEqual(100);
        expect(limits.timeoutSeconds).toBeGreaterThan(0);
        expect(limits.maxBudgetUsd).toBe(id === agent ? 3 : undefined);
      }
    });

    it("ends a child that waits, by recovery, and one that is about to begin", async () => {
      const { spawn, run, advance, recover, read, provision, ports, owner } = plane({
        treeTimeoutSeconds: 600,
        maxRunning: 1,
      });
      const root = await spawn();
      await run(root);
      const [first, waits] = [await spawn({ parent: root }), await spawn({ parent: root })];
      advance(601_000);
      await recover();
      const details = { root, limit: "treeTimeoutSeconds", value: 600 };
      expect(await read(waits)).toMatchObject({ status: "failed", error: { code: "task.timeout", details } });
      expect(isSettled(await read(waits))).toBe(true);
      expect(await ports.store.listQueue(owner, 10)).toEqual([]);
      expect(await refusal(provision(first))).toMatchObject({ code: "task.timeout", details });
    });
  });
}
