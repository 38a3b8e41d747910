import { describe, expect, it } from "vitest";
import { InvalidInputError, TransitionRefusedError } from "../../lib/contract/errors.ts";
import { isTerminal, type Status, statuses, transitions } from "../../lib/contract/lifecycle.ts";
import { isSettled, RETENTION_DAYS, type Task, without } from "../../lib/contract/task.ts";
import { newTaskId, randomHex } from "../../lib/contract/task-id.ts";
import type { TaskStore } from "../../lib/store/port.ts";
import { makeTask, moved, withFields } from "./make-task.ts";
import { allPages, hostileStrings, newOwner, sharedStore } from "./shared-store.ts";
import type { OpenStoreFunction } from "./task-store.ts";

const move = (to: Status) => (task: Task) => moved(task, to);
const terminal = statuses.filter(isTerminal);

export function tasksSuite(open: OpenStoreFunction): void {
  describe("create, get, change", () => {
    const store = sharedStore(open);

    it("keeps a task as it was given", async () => {
      const task = makeTask({ metadata: { nested: [1, null, { deep: true }] }, caller: "me", env: { A: "1" } });
      expect(await store().create(task)).toBe(true);
      expect(await store().get(task.id)).toEqual(task);
    });

    it("creates once, also when twenty try at once", async () => {
      const task = makeTask({ goal: "first" });
      const answers = await Promise.all(Array.from({ length: 20 }, () => store().create(task)));
      expect(answers.filter(Boolean)).toHaveLength(1);
      expect(await store().create({ ...task, goal: "second" })).toBe(false);
      expect((await store().get(task.id))?.goal).toBe("first");
    });

    it("knows nothing of other ids", async () => {
      for (const id of [newTaskId(), ...hostileStrings]) {
        expect(await store().get(id)).toBeUndefined();
        await expect(store().change(id, (task) => task)).rejects.toMatchObject({ code: "task.not_found" });
      }
    });

    it("stamps what it writes, whatever the edit did to revision, id, owner and age", async () => {
      const task = makeTask({ updatedAt: "2001-01-01T00:00:00.000Z" });
      await store().create(task);
      const changed = await store().change(task.id, (current) => ({
        ...current,
        id: newTaskId(),
        owner: "somebody else",
        createdAt: "2000-01-01T00:00:00.000Z",
        revision: 99,
        goal: "new",
      }));
      expect(changed).toMatchObject({
        id: task.id,
        owner: task.owner,
        revision: 2,
        goal: "new",
        createdAt: task.createdAt,
      });
      expect(Date.parse(changed.updatedAt)).toBeGreaterThan(Date.parse(task.updatedAt));
      expect(await store().get(task.id)).toEqual(changed);
    });

    it("changes nothing when the edit returns undefined or throws", async () => {
      const task = makeTask();
      await store().create(task);
      expect(await store().change(task.id, () => undefined)).toEqual(task);
      const thrown = new Error("from the edit");
      const edit = () => {
        throw thrown;
      };
      await expect(store().change(task.id, edit)).rejects.toBe(thrown);
      expect(await store().get(task.id)).toEqual(task);
      expect((await store().change(task.id, (current) => current)).revision).toBe(2);
    });

    it("lets exactly one of 50 writers take each step", async () => {
      const task = makeTask();
      await store().create(task);
      const path: Status[] = [
        "provisioning",
        "starting",
        "running",
        "input_required",
        "running",
        "completing",
        "succeeded",
      ];
      for (const [step, to] of path.entries()) {
        const answers = await Promise.allSettled(Array.from({ length: 50 }, () => store().change(task.id, move(to))));
        expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
        for (const answer of answers)
          if (answer.status === "rejected") expect(answer.reason).toBeInstanceOf(TransitionRefusedError);
        expect(await store().get(task.id)).toMatchObject({ status: to, revision: step + 2 });
      }
    });

    it("settles the race between a cancel and an admission", async () => {
      const task = makeTask();
      await store().create(task);
      const writers = Array.from({ length: 50 }, (_, i) =>
        i % 2 ? ("cancelled" as const) : ("provisioning" as const),
      );
      const answers = await Promise.allSettled(writers.map((to) => store().change(task.id, move(to))));
      expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    });

    it("loses none of 50 concurrent edits", async () => {
      const task = makeTask();
      await store().create(task);
      const add = (current: Task) => ({ ...current, workerSequence: current.workerSequence + 1 });
      await Promise.all(Array.from({ length: 50 }, () => store().change(task.id, add)));
      expect(await store().get(task.id)).toMatchObject({ workerSequence: 50, revision: 51 });
    });

    it.each(statuses)("refuses from %s what the table does not allow, and changes nothing", async (from) => {
      const task = makeTask({ status: from });
      await store().create(task);
      for (const to of statuses.filter((status) => !transitions[from].includes(status))) {
        await expect(store().change(task.id, move(to))).rejects.toBeInstanceOf(TransitionRefusedError);
      }
      expect(await store().get(task.id)).toEqual(task);
    });

    it.each(terminal)("keeps the status of a %s task whoever writes it", async (from) => {
      const task = makeTask({ status: from, obligations: { slot: "local" } });
      await store().create(task);
      for (const status of statuses.filter((status) => status !== from))
        await expect(store().change(task.id, (current) => withFields(current, { status }))).rejects.toMatchObject({
          code: "task.transition_refused",
        });
      const paid = await store().change(task.id, (current) => ({ ...current, obligations: {} }));
      expect(paid).toMatchObject({ status: from, obligations: {} });
    });

    it.each([100, 350])("keeps an item of %i KB", async (kilobytes) => {
      const half = Array.from({ length: kilobytes }, () => randomHex(256)).join("");
      const task = makeTask({ input: { text: half }, status: "completing" });
      await store().create(task);
      await store().change(task.id, (current) => withFields(current, { result: { text: half } }));
      const stored = await store().get(task.id);
      expect(stored?.input).toEqual({ text: half });
      expect(stored?.result).toEqual({ text: half });
    });

    it.each(hostileStrings)("keeps hostile strings: %j", async (text) => {
      const input = JSON.parse(
        `{${JSON.stringify(text)}: {"__proto__": ${JSON.stringify(text)}, "list": [${JSON.stringify(text)}]}}`,
      );
      const task = makeTask({ owner: `${newOwner()}${text}`, goal: text, input, env: { A: text }, result: text });
      await store().create(task);
      const stored = await store().get(task.id);
      expect(JSON.stringify(stored?.input)).toBe(JSON.stringify(input));
      expect(stored).toEqual(task);
      expect((await store().list(task.owner, { limit: 10 })).items).toEqual([task]);
    });
  });

  describe("list", () => {
    const store = sharedStore(open);

    const many = async (owner: string, count: number, overrides: (i: number) => Partial<Task> = () => ({})) => {
      const start = Date.now();
      const tasks = Array.from({ length: count }, (_, i) =>
        makeTask({ owner, createdAt: new Date(start + i).toISOString(), ...overrides(i) }),
      );
      await Promise.all([...tasks].sort((a, b) => a.id.localeCompare(b.id)).map((task) => store().create(task)));
      return tasks;
    };

    it("gives an owner's tasks newest first, page by page, each once", async () => {
      const owner = newOwner();
      const tasks = await many(owner, 25);
      for (const limit of [1, 7, 25, 100]) {
        const seen = await allPages(async (cursor) => {
          const page = await store().list(owner, { limit, ...(cursor !== undefined && { cursor }) });
          expect(page.items.length).toBeLessThanOrEqual(limit);
          return page;
        });
        expect(seen.map(({ id }) => id)).toEqual(tasks.map(({ id }) => id).reverse());
      }
    });

    it("gives each of those created in the same millisecond once", async () => {
      const owner = newOwner();
      const createdAt = new Date().toISOString();
      const tasks = await many(owner, 20, () => ({ createdAt }));
      const seen = await allPages((cursor) =>
        store().list(owner, { limit: 3, ...(cursor !== undefined && { cursor }) }),
      );
      expect(seen.map(({ id }) => id).sort()).toEqual(tasks.map(({ id }) => id).sort());
    });

    it("filters by status, also across pages", async () => {
      const owner = newOwner();
      const tasks = await many(owner, 30, (i) => ({ status: i % 3 === 0 ? "running" : "queued" }));
      const running = await allPages((cursor) =>
        store().list(owner, { status: "running", limit: 4, ...(cursor !== undefined && { cursor }) }),
      );
      const expected = tasks.filter(({ status }) => status === "running").map(({ id }) => id);
      expect(running.map(({ id }) => id)).toEqual(expected.reverse());
      expect((await store().list(owner, { status: "failed", limit: 4 })).items).toEqual([]);
    });

    it("follows a change of status", async () => {
      const owner = newOwner();
      const [task] = await many(owner, 1);
      await store().change(task?.id ?? "", move("provisioning"));
      expect((await store().list(owner, { status: "queued", limit: 4 })).items).toEqual([]);
      expect((await store().list(owner, { status: "provisioning", limit: 4 })).items).toHaveLength(1);
    });

    it("shows nobody another owner's tasks", async () => {
      const owner = newOwner();
      await many(owner, 3);
      for (const other of [newOwner(), owner.toUpperCase(), `${owner}x`, owner.slice(0, -1), `${owner}\0`, "%", ""])
        expect((await store().list(other, { limit: 100 })).items).toEqual([]);
    });

    it("refuses cursors that it did not make for this owner", async () => {
      const owner = newOwner();
      await many(owner, 3);
      const { cursor } = await store().list(owner, { limit: 1 });
      expect(cursor).toBeTypeOf("string");
      await expect(store().list(newOwner(), { limit: 1, cursor: cursor ?? "" })).rejects.toBeInstanceOf(
        InvalidInputError,
      );
      const garbage = [
        "",
        "0",
        "null",
        "W10",
        "e30",
        `${cursor?.slice(0, -8)}`,
        "😀",
        "x".repeat(10_000),
        "../..",
        ...hostileStrings,
      ];
      for (const bad of garbage)
        await expect(store().list(owner, { limit: 1, cursor: bad }), bad).rejects.toBeInstanceOf(InvalidInputError);
    });
  });

  describe("due, debts and retention", () => {
    const store = sharedStore(open);

    it("lists open tasks that are due, the most overdue first", async () => {
      // The early seventies belong to this test: others are due around now.
      const dues = [5000, 1000, 3000, 2000, 9000];
      const tasks = dues.map((dueAtMs) => makeTask({ dueAtMs }));
      const never = without(makeTask(), "dueAtMs");
      await Promise.all([...tasks, never].map((task) => store().create(task)));
      const idsOf = (...times: number[]) => times.map((time) => tasks[dues.indexOf(time)]?.id);
      expect(await store().listDue(999, 10)).toEqual([]);
      expect(await store().listDue(5000, 10)).toEqual(idsOf(1000, 2000, 3000, 5000));
      expect(await store().listDue(5000, 2)).toEqual(idsOf(1000, 2000));
      await store().change(idsOf(1000)[0] ?? "", (task) => ({ ...task, dueAtMs: 8000 }));
      expect(await store().listDue(8000, 10)).toEqual(idsOf(2000, 3000, 5000, 1000));
      await Promise.all(tasks.map(({ id }) => store().change(id, move("cancelled"))));
      expect(await store().listDue(10_000, 10)).toEqual([]);
    });

    it("lists those that have begun apart from those that wait, however many these are", async () => {
      const queued = Array.from({ length: 120 }, (_, i) => makeTask({ dueAtMs: 30_000 + i }));
      const [first = makeTask(), second = makeTask()] = queued;
      const running = makeTask({ dueAtMs: 30_500, status: "running" });
      await Promise.all([...queued, running].map((task) => store().create(task)));
      const due = (...of: Parameters<TaskStore["listDue"]>) =>
        store()
          .listDue(...of)
          .then((ids) => ids.filter((id) => [running, ...queued].some((task) => task.id === id)));
      expect(await due(40_000, 2, "begun")).toEqual([running.id]);
      expect(await due(40_000, 2, "queued")).toEqual([first.id, second.id]);
      expect(await due(40_000, 2)).toEqual([first.id, second.id]);
      expect(await due(30_499, 2, "begun")).toEqual([]);
      // One that begins is among the others from then on, and is due when it was.
      await store().change(first.id, move("provisioning"));
      expect(await due(40_000, 2, "begun")).toEqual([first.id, running.id]);
      expect(await due(40_000, 1, "queued")).toEqual([second.id]);
      await Promise.all(queued.slice(1).map(({ id }) => store().change(id, move("cancelled"))));
      for (const { id } of [first, running]) await store().change(id, move("failed"));
      expect(await due(40_000, 10)).toEqual([]);
    });

    it("keeps a task open until its last debt is paid", async () => {
      const task = makeTask({
        dueAtMs: 20_000,
        status: "completing",
        obligations: { slot: "local", session: "s", runtime: "r" },
      });
      const isDue = async () => (await store().listDue(20_000, 100)).includes(task.id);
      await store().create(task);
      const ended = await store().change(task.id, move("succeeded"));
      expect(isSettled(ended)).toBe(false);
      expect(ended).toMatchObject({ status: "succeeded", dueAtMs: 20_000 });
      expect(ended.expiresAtSeconds).toBeUndefined();
      expect(await isDue()).toBe(true);
      await store().change(task.id, (current) => ({ ...current, obligations: { slot: "local" } }));
      expect(await isDue()).toBe(true);

      const lease = { holder: "me", untilMs: Date.now() + 1000 };
      const before = Math.floor(Date.now() / 1000);
      const settled = await store().change(task.id, (current) => ({ ...current, lease, obligations: {} }));
      expect(settled).not.toHaveProperty("dueAtMs");
      expect(settled).not.toHaveProperty("lease");
      expect(settled.expiresAtSeconds).toBeGreaterThanOrEqual(before + RETENTION_DAYS * 86_400);
      expect(await store().get(task.id)).toEqual(settled);
      expect(await isDue()).toBe(false);
    });

    it.each([RETENTION_DAYS, 7])("forgets a settled task after %i days", async (retentionDays) => {
      let nowMs = Date.now();
      const { store, close } = await open({ now: () => nowMs, retentionDays });
      try {
        const task = makeTask();
        await store.create(task);
        await store.change(task.id, move("cancelled"));
        // Day by day, because a leap might be a clock that is wrong.
        for (let day = 0; day < retentionDays; day++) {
          nowMs += 86_400_000 - (day === 0 ? 60_000 : 0);
          expect(await store.get(task.id)).toBeDefined();
        }
        nowMs += 120_000;
        expect(await store.get(task.id)).toBeUndefined();
        expect((await store.list(task.owner, { limit: 10 })).items).toEqual([]);
        await expect(store.change(task.id, (current) => current)).rejects.toMatchObject({ code: "task.not_found" });
      } finally {
        await close();
      }
    });
  });

  describe("waitForChange", () => {
    const store = sharedStore(open);
    const longMs = 120_000;

    it("resolves at once when the task is further already, or gone", async () => {
      const task = makeTask();
      await store().create(task);
      await store().waitForChange(task.id, task.revision - 1, longMs);
      await store().waitForChange(newTaskId(), 1, longMs);
    });

    it("wakes everybody who waits when the task is written", async () => {
      const task = makeTask();
      await store().create(task);
      const waiting = Promise.all(
        Array.from({ length: 20 }, () => store().waitForChange(task.id, task.revision, longMs)),
      );
      await store().change(task.id, move("provisioning"));
      await waiting;
    });

    it("resolves after the time is over, and on abort", async () => {
      const task = makeTask();
      await store().create(task);
      await store().waitForChange(task.id, task.revision, 20);
      const controller = new AbortController();
      const waiting = store().waitForChange(task.id, task.revision, longMs, controller.signal);
      controller.abort();
      await waiting;
      await store().waitForChange(task.id, task.revision, longMs, AbortSignal.abort());
      expect(await store().get(task.id)).toEqual(task);
    });
  });

  it("keeps everything when it is opened again", async ({ skip }) => {
    const opened = await open();
    try {
      if (!opened.reopen) return skip();
      const task = makeTask();
      await opened.store.create(task);
      const changed = await opened.store.change(task.id, move("provisioning"));
      const again = await opened.reopen();
      expect(await again.get(task.id)).toEqual(changed);
    } finally {
      await opened.close();
    }
  });
}
