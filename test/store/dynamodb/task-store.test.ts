import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll } from "vitest";
import { packTask, unpackTask } from "../../../lib/store/dynamodb/compression.ts";
import { taskKey } from "../../../lib/store/dynamodb/keys.ts";
import { openTaskStore } from "../../../lib/store/dynamodb/task-store.ts";
import { taskStoreSuite } from "../../contract/task-store.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";

let dynalite: Dynalite;
beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite?.stop());

taskStoreSuite("DynamoDB", async (options) => {
  const { client } = dynalite;
  const tableName = await dynalite.makeTable();
  let store = openTaskStore({ tableName, client, ...options });
  return {
    store,
    reopen: async () => {
      store.close();
      store = openTaskStore({ tableName, client, ...options });
      return store;
    },
    rewrite: async (id, edit) => {
      const { Item } = await client.send(new GetCommand({ TableName: tableName, Key: taskKey(id) }));
      const body = packTask(JSON.stringify(edit(JSON.parse(unpackTask(Item?.body)))));
      await client.send(new PutCommand({ TableName: tableName, Item: { ...Item, body } }));
    },
    close: async () => store.close(),
  };
});
