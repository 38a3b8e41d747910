import { afterAll, beforeAll } from "vitest";
import { openTaskStore } from "../../../lib/store/dynamodb/task-store.ts";
import { taskStoreSuite } from "../../contract/task-store.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";

let dynalite: Dynalite;
beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite?.stop());

taskStoreSuite("DynamoDB", async (options) => {
  const { endpoint } = dynalite;
  const tableName = await dynalite.makeTable();
  let store = openTaskStore({ tableName, endpoint, ...options });
  return {
    store,
    reopen: async () => {
      store.close();
      store = openTaskStore({ tableName, endpoint, ...options });
      return store;
    },
    close: async () => store.close(),
  };
});
