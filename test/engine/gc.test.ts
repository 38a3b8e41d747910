/** What the removal of old tasks takes, and what it leaves. */
import { expect, test } from "vitest";
import { InvalidInputError } from "../../lib/contract/errors.ts";
import { conversationBegunBy } from "../../lib/contract/task-id.ts";
import { TaskService } from "../../lib/engine/service.ts";
import { makeTask, type TaskFields } from "../contract/make-task.ts";
import { openPorts } from "../mcp/ports.ts";

const now = Date.UTC(2026, 10, 20);
const agoIso = (days: number) => new Date(now - days * 86_400_000).toISOString();

/** A task that was dispatched and ended so many days ago. */
const old = (days: number, more: TaskFields = {}) =>
  makeTask({
    owner: "me",
    createdAt: agoIso(days),
    status: "succeeded",
    phases: { queued: agoIso(days), succeeded: agoIso(days) },
    ...more,
  });

async function open(...tasks: ReturnType<typeof old>[]) {
  const ports = openPorts({ now: () => now });
  for (const task of tasks) await ports.store.create(task);
  const service = new TaskService(ports, "me");
  const there = async () => {
    const found = await Promise.all(tasks.map(({ id }) => ports.store.get(id)));
    return tasks.filter((_, n) => found[n]).map(({ id }) => id);
  };
  return { ports, service, there, gc: (given = {}) => service.removeEnded(given) };
}

test("takes nothing by default that is kept anyway", async () => {
  const tasks = [old(2), old(30), old(89)];
  const { gc, there } = await open(...tasks);
  expect(await gc()).toEqual({
    dry_run: false,
    purged: 0,
    would_purge: 0,
    job_ids: [],
    max_age_days: 90,
    kept: { open: 0, recent: 3, together: 0 },
  });
  expect(await there()).toHaveLength(3);
});

test("takes what ended longer ago than is asked for, of the owner alone, and says it first", async () => {
  const [young, aged, others, running] = [
    old(2),
    old(8),
    old(8, { owner: "you" }),
    old(8, { status: "running", phases: { queued: agoIso(8) } }),
  ] as const;
  const { gc, there, service } = await open(young, aged, others, running);
  const job_ids = [aged.id.replace("task_", "")];
  const kept = { open: 1, recent: 1, together: 0 };
  expect(await gc({ max_age_days: 7, dry_run: true })).toMatchObject({ purged: 0, would_purge: 1, job_ids, kept });
  expect(await there()).toHaveLength(4);
  expect(await gc({ max_age_days: 7 })).toMatchObject({ purged: 1, would_purge: 0, job_ids, kept });
  expect(await there()).toEqual([young.id, others.id, running.id]);
  // What it took is still told.
  expect((await service.usage({ since: "2026-11-01" })).total.tasks).toBe(2);
});

test("takes all when that is asked for, but those of the last day, which a repeated call would run again", async () => {
  const [today, yesterday, aged] = [old(0.5), old(1.5), old(80)] as const;
  const { gc, there } = await open(today, yesterday, aged);
  expect(await gc({ all: true })).toMatchObject({ purged: 2, kept: { recent: 1 } });
  expect(await there()).toEqual([today.id]);
  await expect(gc({ all: true, max_age_days: 3 })).rejects.toThrow(InvalidInputError);
});

test("leaves a tree together, and the turns of a conversation", async () => {
  const root = old(30);
  const child = old(29, { parent: root.id, root: root.id });
  const grandchild = old(3, { parent: child.id, root: root.id });
  const lone = old(30);
  const first = old(30, { taskType: "agent.run" });
  const conversation = { id: conversationBegunBy(first.id) };
  const turns = [
    { ...first, conversation },
    old(20, { taskType: "agent.run", conversation }),
    old(2, { taskType: "agent.run", conversation }),
  ] as const;
  const { gc, there, ports } = await open(root, child, grandchild, lone, ...turns);
  const most = { mostTasks: 10, mostChildren: 10 };
  await ports.store.enterTree(root.id, { taskId: child.id, parent: root.id }, most);
  await ports.store.enterTree(root.id, { taskId: grandchild.id, parent: child.id }, most);
  const spoken = { id: conversation.id, owner: "me", turn: turns[2].id, before: turns[1].id, waiting: [] };
  await ports.store.putConversation(spoken, undefined);
  expect(await gc({ max_age_days: 7 })).toMatchObject({ purged: 1, kept: { recent: 2, together: 4 } });
  expect(await there()).not.toContain(lone.id);
  expect(await gc({ max_age_days: 1.9 })).toMatchObject({ purged: 6 });
  expect(await there()).toEqual([]);
});

test("goes on where it left off, when there are many", async () => {
  const { gc, there } = await open(...Array.from({ length: 350 }, (_, n) => old(10 + n / 1000)));
  const first = await gc({ max_age_days: 7 });
  expect(first).toMatchObject({ purged: 300, cursor: expect.any(String) });
  const second = await gc({ max_age_days: 7, cursor: first.cursor });
  expect(second).toMatchObject({ purged: 50 });
  expect(second).not.toHaveProperty("cursor");
  expect(await there()).toEqual([]);
});
