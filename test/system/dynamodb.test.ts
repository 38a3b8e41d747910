/** The system suites with DynamoDB beneath the local system: a table for each state folder. */
import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll } from "vitest";
import { type TaskItem, toTask } from "../../lib/aws/task-item.ts";
import { type Dynalite, startDynalite } from "../aws/dynalite.ts";
import "./cancel.test.ts";
import "./crash.test.ts";
import "./dispatch.test.ts";
import { keepTasks } from "./system.ts";

let dynalite: Dynalite;
beforeAll(async () => {
  dynalite = await startDynalite();
  const tables = new Map<string, string>();
  const tableOf = (stateDir: string) => {
    const table = tables.get(stateDir) ?? `tasks-${tables.size}`;
    tables.set(stateDir, table);
    return table;
  };
  keepTasks({
    // The system makes the table when it starts.
    storeOf: (stateDir) => ({ kind: "dynamodb", table: tableOf(stateDir), endpoint: dynalite.endpoint }),
    async contentOf(stateDir) {
      const { Items = [] } = await dynalite.client.send(new ScanCommand({ TableName: tableOf(stateDir) }));
      return JSON.stringify(Items.map((item) => (item.sk === "TASK" ? toTask(item as TaskItem) : item)));
    },
  });
});
afterAll(() => dynalite?.stop());
