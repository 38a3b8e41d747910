/** A process that dies while it ends a task: what the task took is neither lost nor there twice. */
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { hasEnded } from "../../../lib/contract/task.ts";
import type { Ports } from "../../../lib/engine/ports.ts";
import { ledgerPartition } from "../../../lib/store/dynamodb/keys.ts";
import { openTaskStore } from "../../../lib/store/dynamodb/task-store.ts";
import { makeTask, moved } from "../../contract/make-task.ts";
import { newOwner } from "../../contract/shared-store.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";
import { nothingLeft, plane } from "../../engine/orchestration/plane.ts";
import { items } from "../../engine/orchestration/system.ts";

let dynalite: Dynalite;
beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite.stop());

type Command = Parameters<DynamoDBDocumentClient["send"]>[0];

/** The client of a process that dies before a request. */
function dyingBefore(client: DynamoDBDocumentClient, isLast: (command: Command) => boolean): DynamoDBDocumentClient {
  let isDead = false;
  const send = async (command: Command) => {
    isDead ||= isLast(command);
    if (isDead) throw new Error("this process is dead");
    return client.send(command);
  };
  return { send } as unknown as DynamoDBDocumentClient;
}

test("whichever of its requests was the last, an ended task has its entry, and one", async () => {
  const tableName = await dynalite.makeTable();
  const { client } = dynalite;
  const store = openTaskStore({ tableName, client });
  const seen: string[] = [];
  for (let requests = 0; requests <= 3; requests++) {
    const owner = newOwner();
    const task = makeTask({ owner, status: "completing", usage: { costUsd: 1 } });
    await store.create(task);
    let left = requests;
    const dying = openTaskStore({ tableName, client: dyingBefore(client, () => left-- <= 0) });
    const succeed = (by: typeof store) =>
      by.change(task.id, (now) => (hasEnded(now) ? undefined : moved(now, "succeeded")));
    await succeed(dying).catch(() => {});
    const after = await store.get(task.id);
    const entries = await store.listLedger(owner, { sinceMs: 0, limit: 10 });
    if (after && hasEnded(after)) expect(entries).toHaveLength(1);
    seen.push(`${after?.status} ${entries.length}`);
    // Whoever recovers the task ends it, at a later time.
    const ended = await succeed(store);
    const [entry, ...others] = await store.listLedger(owner, { sinceMs: 0, limit: 10 });
    expect(others).toEqual([]);
    expect(entry).toMatchObject({ taskId: task.id, costUsd: 1, endedAtMs: Date.parse(ended.phases.succeeded ?? "") });
  }
  // It died before anything, after its read, between entry and end, and after the end.
  expect(seen).toEqual(["completing 0", "completing 0", "completing 1", "succeeded 1"]);
});

test("one that somebody else ends otherwise at the same time has the entry of its end", async () => {
  const tableName = await dynalite.makeTable();
  const { client } = dynalite;
  const store = openTaskStore({ tableName, client });
  const owner = newOwner();
  const task = makeTask({ owner, status: "completing", usage: { costUsd: 1 } });
  await store.create(task);
  let isFirst = true;
  const send = async (command: Command) => {
    const { Item } = command.input as { Item?: { pk: string } };
    // Its entry is on its way while the other ends the task.
    if (isFirst && Item?.pk === ledgerPartition(owner)) {
      isFirst = false;
      await store.change(task.id, (now) => moved(now, "succeeded"));
    }
    return client.send(command);
  };
  const late = openTaskStore({ tableName, client: { send } as unknown as DynamoDBDocumentClient });
  const ended = await late.change(task.id, (now) => (hasEnded(now) ? undefined : moved(now, "failed")));
  expect([ended.status, isFirst]).toEqual(["succeeded", false]);
  expect(await store.listLedger(owner, { sinceMs: 0, limit: 10 })).toMatchObject([{ status: "succeeded" }]);
});

test("one that was made as ended has its entry, also where who made it died in between", async () => {
  const tableName = await dynalite.makeTable();
  const { client } = dynalite;
  const owner = newOwner();
  const own = plane({ owner, store: openTaskStore({ tableName, client }) });
  const { taskId } = await own.service().dispatch(own.call("parallel.run", { items: items(2), max_parallel: 1 }));
  // The second item is refused when its turn comes.
  const rules = [{ effect: "deny" as const, taskTypes: ["agent.run" as const], reason: "closed" }];
  const configuration = own.ports.configuration();
  const closed = { ...configuration, policy: { ...configuration.policy, rules } };
  const ofLedger = (command: Command) => JSON.stringify(command.input).includes(ledgerPartition(owner));
  const dying = openTaskStore({ tableName, client: dyingBefore(client, ofLedger) });
  const ports = { ...own.ports, configuration: () => closed };
  await runFirst({ ...ports, store: dying }).catch(() => {});
  const ledger = () => own.ports.store.listLedger(owner, { sinceMs: 0, limit: 10 });
  expect((await own.children(taskId, 2)).map((child) => child?.status)).toEqual(["succeeded", "failed"]);
  expect((await ledger()).map(({ status }) => status)).toEqual(["succeeded"]);
  await own.drain();
  expect((await ledger()).map(({ status }) => status)).toEqual(["failed", "succeeded"]);
  expect(await own.left()).toEqual(nothingLeft);

  /** Steps of the first item, and what comes of its end, by the process that dies. */
  async function runFirst(by: Ports) {
    const [first] = await own.children(taskId, 1);
    for (let step = 0; step < 5; step++) await own.work(await own.read(first?.id ?? ""), by, () => "succeeded");
  }
});
