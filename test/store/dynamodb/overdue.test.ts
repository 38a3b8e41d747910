/** Tasks that have begun and are overdue, behind a long queue of others that are overdue as well. */
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { recoverDue } from "../../../lib/engine/recovery.ts";
import { taskKey } from "../../../lib/store/dynamodb/keys.ts";
import { openTaskStore as openTable } from "../../../lib/store/dynamodb/task-store.ts";
import type { TaskStore } from "../../../lib/store/port.ts";
import { makeTask } from "../../contract/make-task.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";
import { openPorts } from "../../mcp/ports.ts";

const WAITING = 3000;
const OWNER = "local";

let dynalite: Dynalite;
beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite?.stop());

/** A store in which so many tasks have waited past their time, all for longer than one that runs is overdue. */
async function overdue(store: TaskStore, nowMs: number) {
  const createdAt = new Date(nowMs - 3_600_000).toISOString();
  for (let from = 0; from < WAITING; from += 100)
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        store.create(makeTask({ createdAt, dueAtMs: nowMs - 1_800_000 + from + i, profile: "research" })),
      ),
    );
  const running = makeTask({ status: "running", dueAtMs: nowMs - 60_000, obligations: { slot: "local" } });
  await store.create(running);
  await store.takeSlot({ owner: OWNER, profile: "local", taskId: running.id, queuedAtMs: 0 }, running.limits);
  return running;
}

describe.each(["SQLite", "DynamoDB"])("on %s, with three thousand tasks that wait", (kind) => {
  it("one that runs and is overdue is brought on by one run of the janitor, also one that has no time for them", async () => {
    const { store: file, ...ports } = openPorts();
    const table = kind === "DynamoDB" ? await dynalite.makeTable() : undefined;
    const store = table === undefined ? file : openTable({ tableName: table, client: dynalite.client });
    const running = await overdue(store, ports.now());
    let asked = 0;
    const looked = await recoverDue({ ...ports, store }, { mayGoOn: () => asked++ < 10 });
    expect(ports.starts).toContainEqual(expect.stringContaining(running.id));
    expect(looked.left).toBeGreaterThan(900);
    const task = await store.get(running.id);
    expect(task).toMatchObject({ status: "running", recoveries: { count: 1 } });
  });
});

it("a task that an earlier version wrote, as it waited, is found, and has its place among those that wait once it is written", async () => {
  const tableName = await dynalite.makeTable();
  const store = openTable({ tableName, client: dynalite.client });
  const task = makeTask({ dueAtMs: 5 });
  await store.create(task);
  const key = taskKey(task.id);
  const open = `OPEN#${Number.parseInt(task.id.slice(-1), 16) % 4}`;
  await dynalite.client.send(
    new UpdateCommand({
      TableName: tableName,
      Key: key,
      UpdateExpression: "SET #open = :open",
      ExpressionAttributeNames: { "#open": "open" },
      ExpressionAttributeValues: { ":open": open },
    }),
  );
  const due = async () => [await store.listDue(10, 5, "begun"), await store.listDue(10, 5, "queued")];
  expect(await store.listDue(10, 5)).toEqual([task.id]);
  expect(await due()).toEqual([[task.id], []]);
  const reopened = openTable({ tableName, client: dynalite.client });
  await reopened.change(task.id, (now) => ({ ...now, dueAtMs: 7 }));
  expect(await due()).toEqual([[], [task.id]]);
  store.close();
  reopened.close();
});
