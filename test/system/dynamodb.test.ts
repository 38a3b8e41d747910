/** The system suites with DynamoDB beneath the local system: a table for each state folder. */
import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe } from "vitest";
import { type TaskItem, toTask } from "../../lib/store/dynamodb/task-item.ts";
import { type Dynalite, startDynalite } from "../emulators/dynalite.ts";
import { cancelling } from "./suites/cancelling.ts";
import { dispatching } from "./suites/dispatching.ts";
import { dying } from "./suites/dying.ts";
import { families } from "./suites/families.ts";
import { restarting } from "./suites/restarting.ts";
import { localSystem } from "./under-test.ts";

let dynalite: Dynalite;
beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite?.stop());

const tables = new Map<string, string>();
function tableOf(stateDir: string): string {
  const table = tables.get(stateDir) ?? `tasks-${tables.size}`;
  tables.set(stateDir, table);
  return table;
}

/** The system makes the table when it starts. */
const storeOf = (stateDir: string) =>
  ({ kind: "dynamodb", table: tableOf(stateDir), endpoint: dynalite.endpoint }) as const;

async function contentOf(stateDir: string): Promise<string> {
  const { Items = [] } = await dynalite.client.send(new ScanCommand({ TableName: tableOf(stateDir) }));
  return JSON.stringify(Items.map((item) => (item.sk === "TASK" ? toTask(item as TaskItem) : item)));
}

describe.concurrent("the local system on DynamoDB", () => {
  const system = localSystem({ storeOf, contentOf });
  dispatching(system);
  cancelling(system);
  families(system);
  dying(system);
  restarting((stateDir) => ({ store: storeOf(stateDir) }));
});
