import {
  BatchGetCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from "@aws-sdk/lib-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DispatchError } from "../../../lib/contract/errors.ts";
import { type Task, transition } from "../../../lib/contract/task.ts";
import { newTaskId } from "../../../lib/contract/task-id.ts";
import { openClient } from "../../../lib/store/dynamodb/dynamo-client.ts";
import { newMark, type TaskItem, toItem } from "../../../lib/store/dynamodb/task-item.ts";
import { openTaskStore } from "../../../lib/store/dynamodb/task-store.ts";
import { makeTask } from "../../contract/make-task.ts";
import { newOwner } from "../../contract/shared-store.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";
import { startLossyProxy } from "../../emulators/lossy-proxy.ts";

/** An error as the SDK throws it once its attempts are used up. */
const sdkError = (name: string, httpStatusCode?: number, attempts = 1) =>
  Object.assign(new Error(name), { name, $metadata: { httpStatusCode, attempts } });
const timeout = () => Object.assign(new Error("timeout"), { name: "TimeoutError", $metadata: { attempts: 5 } });
const reset = () => Object.assign(new Error("reset"), { code: "ECONNRESET", $metadata: { attempts: 5 } });
const refusal = (attempts: number) => sdkError("ConditionalCheckFailedException", 400, attempts);

const unavailable = { code: "platform.store_unavailable", retryable: true, hint: expect.any(String) };
const throttled = { code: "platform.store_throttled", retryable: true, hint: expect.any(String) };
const add = (task: Task): Task => ({ ...task, workerSequence: task.workerSequence + 1 });
const itemOf = (task: Task, before?: TaskItem) => toItem(task, newMark(), Date.now(), before);

describe("when DynamoDB does not do what it was asked", () => {
  let client: DynamoDBDocumentClient;
  let mock: ReturnType<typeof mockClient>;
  beforeAll(async () => {
    client = await openClient({ region: "us-east-1" });
  });
  beforeEach(() => {
    mock = mockClient(client);
  });
  const open = () => openTaskStore({ tableName: "tasks", client });

  /** What the mock keeps: the item of one task, put by whoever gets through. */
  function keep(item?: TaskItem) {
    const kept = { item };
    mock.on(GetCommand).callsFake(() => ({ Item: kept.item }));
    return kept;
  }
  const itemIn = (input: { Item?: unknown }) => input.Item as TaskItem;

  it.each([
    ["ProvisionedThroughputExceededException", throttled],
    ["ThrottlingException", throttled],
    ["RequestLimitExceeded", throttled],
    ["InternalServerError", unavailable],
    ["ResourceNotFoundException", unavailable],
    ["AccessDeniedException", unavailable],
    ["CredentialsProviderError", unavailable],
  ])("says so after %s", async (name, expected) => {
    mock.rejects(sdkError(name, 400));
    const task = makeTask();
    const calls = [
      () => open().create(task),
      () => open().get(task.id),
      () => open().change(task.id, add),
      () => open().list("local", { limit: 1 }),
      () => open().listDue(0, 1),
      () => open().claimKey("local", "key", { taskId: task.id, callHash: "", expiresAtMs: 1 }, 0),
      () => open().appendEvents([{ taskId: task.id, sequence: 1, type: "task.created", timestamp: "" }]),
      () => open().listEvents(task.id, 0, 1),
      () => open().readLog(task.id, 0, 1),
      () => open().enqueue({ owner: "local", taskId: task.id, profile: "local", queuedAtMs: 1 }),
      () => open().listSlots("local"),
      () => open().releaseSlot("local", { taskId: task.id, profile: "local" }),
      () => open().listQueue("local", 1),
      () => open().listChildren(task.id, 1),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject(expected);
  });

  it.each([
    ["timeout", timeout],
    ["connection", reset],
    ["answer", () => sdkError("Unknown", 503, 5)],
  ])("says so after a lost %s", async (_, error) => {
    mock.rejects(error());
    await expect(open().get(newTaskId())).rejects.toMatchObject(unavailable);
    await expect(open().create(makeTask())).rejects.toMatchObject(unavailable);
  });

  it("passes on what says that a request is wrong", async () => {
    const error = sdkError("ValidationException", 400);
    mock.rejects(error);
    await expect(open().create(makeTask())).rejects.toBe(error);
    expect(error).not.toBeInstanceOf(DispatchError);
    expect(mock.commandCalls(PutCommand)).toHaveLength(1);
    expect(mock.commandCalls(GetCommand)).toHaveLength(0);
  });

  it.each([
    ["was lost", timeout],
    ["says that somebody was faster, who was itself", () => refusal(2)],
  ])("takes a write that landed for done when its answer %s", async (_, error) => {
    const task = makeTask();
    const kept = keep(itemOf(task));
    mock.on(PutCommand).callsFake((input) => {
      kept.item = itemIn(input);
      throw error();
    });
    const store = open();
    expect(await store.change(task.id, add)).toMatchObject({ revision: 2, workerSequence: task.workerSequence + 1 });
    expect(mock.commandCalls(PutCommand)).toHaveLength(1);
    expect(await store.get(task.id)).toMatchObject({ revision: 2 });

    const other = makeTask();
    kept.item = undefined;
    expect(await store.create(other)).toBe(true);
  });

  it("takes it for done also when others have written since", async () => {
    const task = makeTask();
    const kept = keep(itemOf(task));
    mock.on(PutCommand).callsFake((input) => {
      kept.item = itemIn(input);
      for (let revision = 3; revision < 8; revision++) kept.item = itemOf({ ...task, revision }, kept.item);
      throw timeout();
    });
    expect(await open().change(task.id, add)).toMatchObject({ revision: 2 });
    expect(mock.commandCalls(PutCommand)).toHaveLength(1);
  });

  it("says that the store is unavailable when it did not land, and leaves the rest to the caller", async () => {
    const task = makeTask();
    keep(itemOf(task));
    mock.on(PutCommand).rejects(timeout());
    await expect(open().change(task.id, add)).rejects.toMatchObject(unavailable);
    expect(mock.commandCalls(PutCommand)).toHaveLength(1);
  });

  it("begins again when another writer was faster", async () => {
    const task = makeTask();
    const kept = keep(itemOf(task));
    mock.on(PutCommand).callsFake((input) => {
      if (mock.commandCalls(PutCommand).length === 1) {
        kept.item = itemOf({ ...task, revision: 2, workerSequence: 41 });
        throw refusal(2);
      }
      kept.item = itemIn(input);
    });
    expect(await open().change(task.id, add)).toMatchObject({ revision: 3, workerSequence: 42 });
  });

  it("says that an item that somebody else made was not created", async () => {
    keep(itemOf(makeTask()));
    mock.on(PutCommand).rejects(refusal(2));
    expect(await open().create(makeTask())).toBe(false);
  });

  it("finds a slot that it took, and one that it did not", async () => {
    const entry = { owner: "local", taskId: newTaskId(), profile: "local", queuedAtMs: 1 };
    const limits = { maxRunning: 1, maxRunningPerProfile: 1 };
    mock.on(UpdateCommand).rejects(timeout());
    mock.on(GetCommand).resolves({ Item: { running: new Set([entry.taskId]) } });
    expect(await open().takeSlot(entry, limits)).toBe("taken");
    mock.on(GetCommand).resolves({});
    await expect(open().takeSlot(entry, limits)).rejects.toMatchObject(unavailable);
  });

  it("finds a key that it claimed, and one that it did not", async () => {
    const claim = { taskId: newTaskId(), callHash: "hash", expiresAtMs: 10 };
    mock.on(PutCommand).rejects(timeout());
    mock.on(GetCommand).resolves({ Item: { ...claim, pk: "KEY#" } });
    expect(await open().claimKey("local", "key", claim, 0)).toEqual(claim);
    mock.on(GetCommand).resolves({ Item: { ...claim, taskId: newTaskId() } });
    await expect(open().claimKey("local", "key", claim, 0)).rejects.toMatchObject(unavailable);
  });

  it("counts what is gone after a lost answer as removed", async () => {
    const entry = { owner: "local", taskId: newTaskId(), profile: "local", queuedAtMs: 1 };
    mock.on(GetCommand).resolves({});
    mock.on(DeleteCommand).rejects(refusal(2));
    expect(await open().dequeue(entry)).toBe(true);
    mock.on(DeleteCommand).rejects(timeout());
    expect(await open().dequeue(entry)).toBe(true);
    mock.on(GetCommand).resolves({ Item: { pk: "QUEUE#local" } });
    await expect(open().dequeue(entry)).rejects.toMatchObject(unavailable);
    mock.on(DeleteCommand).rejects(refusal(1));
    expect(await open().dequeue(entry)).toBe(false);
  });

  it("asks again for what a batch left out", async () => {
    const items = [1, 2, 3].map((i) => itemOf(makeTask({ createdAt: new Date(1e12 - i).toISOString() })));
    mock.on(QueryCommand).resolves({ Items: items });
    const left = items.slice(1).map(({ pk, sk }) => ({ pk, sk }));
    mock
      .on(BatchGetCommand)
      .resolvesOnce({ Responses: { tasks: items.slice(0, 1) }, UnprocessedKeys: { tasks: { Keys: left } } })
      .resolves({ Responses: { tasks: items.slice(1) } });
    expect((await open().list("local", { limit: 10 })).items).toHaveLength(3);

    mock.on(BatchGetCommand).resolves({ Responses: {}, UnprocessedKeys: { tasks: { Keys: left } } });
    await expect(open().list("local", { limit: 10 })).rejects.toMatchObject(throttled);
  });
});

describe("with connections that break after the work is done", () => {
  let dynalite: Dynalite;
  let tableName: string;
  beforeAll(async () => {
    dynalite = await startDynalite();
    tableName = await dynalite.makeTable();
  });
  afterAll(() => dynalite?.stop());

  it("does everything once", async () => {
    const proxy = await startLossyProxy(dynalite.endpoint, (operation, before) =>
      operation === "Query" ? before === 0 : before % 3 === 1,
    );
    const store = openTaskStore({ tableName, endpoint: proxy.endpoint });
    const owner = newOwner();
    const tasks = [1, 2, 3].map((queuedAtMs) => makeTask({ owner, dueAtMs: queuedAtMs }));
    for (const task of tasks) expect(await store.create(task)).toBe(true);
    for (const { id } of tasks) {
      for (let i = 0; i < 5; i++) await store.change(id, add);
      const moved = await store.change(id, (task) => transition(task, "provisioning", Date.now()));
      expect(moved).toMatchObject({ workerSequence: 5, revision: 7 });
      const entry = { owner, taskId: id, profile: "local", queuedAtMs: 1 };
      await store.enqueue(entry);
      expect(await store.takeSlot(entry, { maxRunning: 1, maxRunningPerProfile: 1 })).toBe("taken");
      expect(await store.dequeue(entry)).toBe(true);
      const claim = { taskId: id, callHash: "", expiresAtMs: 1e15 };
      expect(await store.claimKey(owner, id, claim, 0)).toEqual(claim);
      await store.appendLog([{ taskId: id, offset: 0, sequence: 100, stream: "stdout", timestamp: "t", text: "x" }]);
      expect(await store.listEvents(id, 0, 10)).toHaveLength(1);
      const child = makeTask({ owner, parent: id });
      const borrower = { owner, taskId: child.id, profile: "local", queuedAtMs: 2 };
      expect(await store.create(child)).toBe(true);
      expect(await store.takeSlot(borrower, { maxRunning: 1, maxRunningPerProfile: 1 }, [entry])).toBe("taken");
      expect(await store.listSlots(owner)).toEqual({ running: [child.id], byProfile: { local: [child.id] } });
      await store.releaseSlot(owner, borrower, [entry]);
      expect(await store.listSlots(owner)).toEqual({ running: [id], byProfile: { local: [id] } });
      await store.releaseSlot(owner, entry);
      expect(await store.listSlots(owner)).toEqual({ running: [], byProfile: {} });
      const [found] = await store.listChildren(id, 10);
      expect(found).toMatchObject({ parent: id, taskId: child.id });
      if (found) await store.removeChild(found);
      expect(await store.listChildren(id, 10)).toEqual([]);
    }
    expect((await store.list(owner, { limit: 10 })).items).toHaveLength(6);
    expect(proxy.lost()).toBeGreaterThan(10);
    store.close();
    proxy.close();
  });

  it("says so when nobody listens", async () => {
    const store = openTaskStore({ tableName, endpoint: "http://127.0.0.1:1" });
    await expect(store.get(newTaskId())).rejects.toMatchObject(unavailable);
    store.close();
  });
});

describe("two stores on one table", () => {
  let dynalite: Dynalite;
  beforeAll(async () => {
    dynalite = await startDynalite();
  });
  afterAll(() => dynalite?.stop());

  it("lose none of each other's writes, and wake each other's waiters", async () => {
    const tableName = await dynalite.makeTable();
    const stores = [1, 2, 3].map(() => openTaskStore({ tableName, endpoint: dynalite.endpoint }));
    const [one, two] = stores;
    const task = makeTask();
    await one?.create(task);
    await two?.get(task.id);
    const waiting = two?.waitForChange(task.id, task.revision, 120_000);
    await Promise.all(stores.flatMap((store) => Array.from({ length: 20 }, () => store.change(task.id, add))));
    await waiting;
    expect(await two?.get(task.id)).toMatchObject({ workerSequence: 60, revision: 61 });
    const taken = await Promise.all(
      stores.flatMap((store) =>
        Array.from({ length: 10 }, () =>
          store.takeSlot(
            { owner: "local", taskId: newTaskId(), profile: "local", queuedAtMs: 0 },
            { maxRunning: 4, maxRunningPerProfile: 3 },
          ),
        ),
      ),
    );
    expect(taken.filter((answer) => answer === "taken")).toHaveLength(3);
    for (const store of stores) store.close();
  });
});
