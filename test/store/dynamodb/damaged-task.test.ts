import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { taskKey } from "../../../lib/store/dynamodb/keys.ts";
import { openTaskStore } from "../../../lib/store/dynamodb/task-store.ts";
import { makeTask } from "../../contract/make-task.ts";
import { newOwner } from "../../contract/shared-store.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";

let dynalite: Dynalite;
beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite?.stop());

test.each([
  ["is nothing that was compressed", Buffer.from("not deflated")],
  ["is cut off", undefined],
])("an item whose task %s is set aside and reported, and no other is affected", async (_, body) => {
  const tableName = await dynalite.makeTable();
  const { endpoint, client } = dynalite;
  const logged: unknown[] = [];
  const silent = () => {};
  const error = (message: string, fields?: object) => logged.push({ message, ...fields });
  const log = { debug: silent, info: silent, warn: silent, error };
  const owner = newOwner();
  const tasks = [1, 2, 3].map((dueAtMs) => makeTask({ owner, dueAtMs }));
  const [damaged = makeTask(), ...others] = tasks;
  const writer = openTaskStore({ tableName, endpoint });
  for (const task of tasks) await writer.create(task);
  writer.close();
  await client.send(
    new UpdateCommand({
      TableName: tableName,
      Key: taskKey(damaged.id),
      UpdateExpression: "SET body = :body",
      ExpressionAttributeValues: { ":body": body ?? Buffer.alloc(0) },
    }),
  );
  const store = openTaskStore({ tableName, endpoint, log });
  const ids = others.map(({ id }) => id).sort();
  const { items } = await store.list(owner, { limit: 10 });
  expect(items.map(({ id }) => id).sort()).toEqual(ids);
  expect((await store.listDue(100, 10)).sort()).toEqual(ids);
  expect(logged).toContainEqual(expect.objectContaining({ taskId: damaged.id }));
  const refused = { code: "platform.task_unreadable", retryable: false, hint: expect.any(String) };
  await expect(store.get(damaged.id)).rejects.toMatchObject(refused);
  await expect(store.change(damaged.id, (task) => task)).rejects.toMatchObject(refused);
  // It has left the index of open tasks: whoever looks next does not come upon it again.
  logged.length = 0;
  expect((await store.listDue(100, 10)).sort()).toEqual(ids);
  expect(logged).toEqual([]);
  store.close();
});
