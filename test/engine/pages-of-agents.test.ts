import { expect, test } from "vitest";
import type { Task } from "../../lib/contract/task.ts";
import { TaskService } from "../../lib/engine/service.ts";
import { makeTask, type TaskFields } from "../contract/make-task.ts";
import { openPorts } from "../mcp/ports.ts";

const OWNER = "somebody";
const BEGAN_MS = Date.parse("2026-01-02T12:00:00.000Z");

/** A task with children between those of others: eight that are newer, and thirty of the day before. */
async function crowded() {
  const ports = openPorts();
  const made = async (minutes: number, fields: TaskFields = {}): Promise<Task> => {
    const task = makeTask({ owner: OWNER, createdAt: new Date(BEGAN_MS + minutes * 60_000).toISOString(), ...fields });
    await ports.store.create(task);
    return task;
  };
  const { id: root } = await made(0);
  const below = { parent: root, root, depth: 1 };
  const [first, second] = [await made(1, below), await made(3, below)];
  for (let at = 0; at < 8; at++) await made(2 + at);
  for (let at = 1; at <= 30; at++) await made(-24 * 60 - at);
  let asked = 0;
  const store = Object.assign(Object.create(ports.store) as typeof ports.store, {
    list: (...given: Parameters<typeof ports.store.list>) => {
      asked += 1;
      return ports.store.list(...given);
    },
  });
  const agent = new TaskService({ ...ports, store, within: root }, OWNER);
  return { agent, root, ids: [second.id, first.id], asked: () => asked, all: new TaskService(ports, OWNER) };
}

test("a page of the agent of a task is filled with what is below that, and ends with it", async () => {
  const { agent, ids, asked } = await crowded();
  const [second, first] = ids;
  const page = await agent.list({ limit: 1 });
  expect(page).toMatchObject({ items: [{ id: second }], cursor: expect.any(String) });
  expect(await agent.list({ limit: 1, cursor: page.cursor })).toMatchObject({ items: [{ id: first }] });
  // What is older than its task is asked for no further: none of it can be below.
  const before = asked();
  const whole = await agent.list({ limit: 5 });
  expect(whole.items.map(({ id }) => id)).toEqual(ids);
  expect(whole).not.toHaveProperty("cursor");
  expect(asked() - before).toBeLessThanOrEqual(4);
});

test("the owner's own pages are as they were", async () => {
  const { all } = await crowded();
  const page = await all.list({ limit: 5 });
  expect(page.items).toHaveLength(5);
  expect(page.cursor).toEqual(expect.any(String));
});
