import { describe, expect, test } from "vitest";
import { DispatchError } from "../../lib/contract/errors.ts";
import type { Channel } from "../../lib/contract/kinds.ts";
import { cancelTask, queueEntry } from "../../lib/engine/cancellation.ts";
import { dispatch } from "../../lib/engine/dispatch.ts";
import { readLargeValue } from "../../lib/engine/large-values.ts";
import { recoverDue } from "../../lib/engine/recovery.ts";
import type { TaskStore } from "../../lib/store/port.ts";
import { parseTask, toStored } from "../../lib/store/stored-task.ts";
import { makeTask } from "../contract/make-task.ts";
import { exampleConfiguration, idleAdapter, openPorts } from "../mcp/ports.ts";
import { plan } from "./plan.ts";

const OWNER = "me";

async function problem(refused: Promise<unknown>) {
  const error = await refused.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DispatchError) return error.problem;
  throw new Error(`not refused, but ${error}`);
}

test("makes a task durable, and lets it begin before its handle is returned", async () => {
  const ports = openPorts({ now: () => 1_000_000 });
  const handle = await dispatch(ports, OWNER, plan(ports, { goal: "g", env: { NAME: "value" } }));
  expect(handle.status).toBe("provisioning");
  const task = await ports.store.get(handle.taskId);
  expect(task).toMatchObject({
    owner: OWNER,
    executionNumber: 1,
    backend: "local-process",
    backendName: "this-machine",
    profile: "this-machine",
    goal: "g",
    env: { NAME: "value" },
    envNames: ["NAME"],
    depth: 0,
    status: "provisioning",
    createdAt: "1970-01-01T00:16:40.000Z",
    dueAtMs: 1_060_000,
    obligations: { slot: "this-machine" },
    workerSequence: 99,
    logLength: 0,
  });
  expect(ports.starts).toEqual([`${handle.taskId}-1`]);
});

test("a task beyond the limit waits in the queue, and its events say that it was made", async () => {
  const ports = openPorts({ now: () => 1_000_000 });
  const handles = [];
  for (let i = 0; i < 5; i++) handles.push(await dispatch(ports, OWNER, plan(ports)));
  expect(handles.map(({ status }) => status)).toEqual([...Array(4).fill("provisioning"), "queued"]);
  const last = await ports.store.get(handles[4]?.taskId ?? "");
  expect(await ports.store.listEvents(last?.id ?? "", 0, 10)).toEqual([
    { taskId: last?.id, sequence: 1, type: "task.created", timestamp: "1970-01-01T00:16:40.000Z" },
  ]);
  expect(await ports.store.listQueue(OWNER, 10)).toEqual([
    { owner: OWNER, taskId: last?.id, profile: "this-machine", queuedAtMs: Date.parse(last?.createdAt ?? "") },
  ]);
});

test("a task that could begin waits behind those of its owner that wait", async () => {
  const ports = openPorts();
  const waiting = makeTask({ owner: OWNER, profile: "this-machine" });
  await ports.store.create(waiting);
  await ports.store.enqueue(queueEntry(waiting));
  const handle = await dispatch(ports, OWNER, plan(ports));
  expect(handle.status).toBe("provisioning");
  expect(ports.starts).toEqual([`${waiting.id}-1`, `${handle.taskId}-1`]);
  expect(await ports.store.listQueue(OWNER, 10)).toEqual([]);
});

describe("how a worker is talked to", () => {
  const portsOf = (channel: Channel | undefined) =>
    openPorts({ backends: { "local-process": idleAdapter({ channel: () => channel }) } });
  const dispatched = async (channel: Channel | undefined) => {
    const ports = portsOf(channel);
    const { taskId } = await dispatch(ports, OWNER, plan(ports));
    return ports.store.get(taskId);
  };

  test("is in the task as soon as the adapter knows it", async () => {
    expect(await dispatched("call")).toMatchObject({ channel: "call" });
    expect(await dispatched("synchronous")).toMatchObject({ channel: "synchronous" });
    expect(await dispatched(undefined)).not.toHaveProperty("channel");
  });

  test("by a mailbox is refused by name, before there is a task", async () => {
    const ports = portsOf("mailbox");
    expect(await problem(dispatch(ports, OWNER, plan(ports)))).toMatchObject({
      code: "adapter.unsupported",
      message: expect.stringContaining("mailbox"),
    });
    expect((await ports.store.list(OWNER, { limit: 1 })).items).toEqual([]);
  });

  test.each([
    ["none", "synchronous"],
    ["agentdispatch/1", "call"],
  ])("is what the contract of its runtime, %s, says of a task of an older version", (contract, channel) => {
    const older = makeTask({ status: "starting", providerRefs: { contract } });
    const { version: _, ...stored } = toStored(older);
    const read = parseTask(
      older.id,
      () => JSON.stringify(stored),
      (record) => record,
    );
    expect(read).toMatchObject({ channel });
  });
});

describe("a dispatch that dies", () => {
  /** The store of a process that dies before the write of that number. */
  function dyingStore(store: TaskStore, writes: number) {
    let left = writes;
    const dying = { ...store };
    const names = ["create", "change", "enqueue", "dequeue", "takeSlot", "releaseSlot", "appendEvents"] as const;
    for (const name of names) {
      const write = store[name].bind(store) as (...args: unknown[]) => Promise<unknown>;
      dying[name] = ((...args: unknown[]) =>
        left-- > 0 ? write(...args) : Promise.reject(new Error("the process is dead"))) as never;
    }
    return dying;
  }

  test.each([1, 2, 3])("after its write number %i leaves a task that the janitor lets begin, once", async (writes) => {
    let now = Date.now();
    const ports = openPorts({ now: () => now, steady: () => now });
    const workflow = { start: () => Promise.reject(new Error("the process is dead")) };
    await dispatch({ ...ports, store: dyingStore(ports.store, writes), workflow }, OWNER, plan(ports)).catch(() => {});
    const { items } = await ports.store.list(OWNER, { limit: 10 });
    expect(items).toHaveLength(1);
    const id = items[0]?.id ?? "";
    now += 61_000;
    expect(await recoverDue(ports)).toEqual({ recovered: 1, left: 0 });
    expect(await ports.store.get(id)).toMatchObject({ status: "provisioning", obligations: { slot: "this-machine" } });
    expect(ports.starts).toEqual([`${id}-1`]);
    expect((await ports.store.listSlots(OWNER)).running).toEqual([id]);
    expect(await ports.store.listQueue(OWNER, 10)).toEqual([]);
  });

  test("after it had taken a slot for a task that is then cancelled leaves no slot taken", async () => {
    const ports = openPorts();
    await dispatch({ ...ports, store: dyingStore(ports.store, 2) }, OWNER, plan(ports)).catch(() => {});
    const [task] = (await ports.store.list(OWNER, { limit: 10 })).items;
    expect((await ports.store.listSlots(OWNER)).running).toEqual([task?.id]);
    await cancelTask(ports, { id: task?.id ?? "" });
    expect((await ports.store.listSlots(OWNER)).running).toEqual([]);
  });
});

test("a call whose task could not begin is not a failed call", async () => {
  const ports = openPorts();
  const broken = { ...ports.store, listQueue: () => Promise.reject(new Error("the queue is not there")) };
  const handle = await dispatch({ ...ports, store: broken }, OWNER, plan(ports));
  expect(handle.status).toBe("queued");
  expect(ports.logged.join()).toContain("warn");
  expect(await ports.store.listQueue(OWNER, 10)).toHaveLength(1);
});

describe("with a key", () => {
  const key = { idempotencyKey: "k" };

  test("the same call sent at once and again is one task", async () => {
    const ports = openPorts();
    const handles = await Promise.all(Array.from({ length: 20 }, () => dispatch(ports, OWNER, plan(ports), key)));
    const ids = new Set(handles.map(({ taskId }) => taskId));
    expect(ids.size).toBe(1);
    const again = await dispatch(ports, OWNER, plan(ports), key);
    expect(ids.has(again.taskId)).toBe(true);
    expect(again.status).toBe("provisioning");
    expect(ports.starts).toHaveLength(1);
    expect(await ports.store.listQueue(OWNER, 10)).toEqual([]);
  });

  test("another call is a conflict, another owner is not", async () => {
    const ports = openPorts();
    const first = await dispatch(ports, OWNER, plan(ports), key);
    expect(await problem(dispatch(ports, OWNER, plan(ports, { call: { other: true } }), key))).toEqual({
      code: "idempotency.conflict",
      message: "this idempotency key was used for another call",
      retryable: false,
      hint: "send the call exactly as before to get its task, or choose another idempotency_key",
      details: { taskId: first.taskId },
    });
    const other = await dispatch(ports, "somebody else", plan(ports, { call: { other: true } }), key);
    expect(other.taskId).not.toBe(first.taskId);
  });

  test("a task that was promised and never written is written by the retry, under the promised id", async () => {
    const ports = openPorts();
    const down = { ...ports.store, create: () => Promise.reject(new Error("the store went away")) };
    await expect(dispatch({ ...ports, store: down }, OWNER, plan(ports), key)).rejects.toThrow("went away");
    const handle = await dispatch(ports, OWNER, plan(ports), key);
    const again = await dispatch(ports, OWNER, plan(ports), key);
    expect(again.taskId).toBe(handle.taskId);
    expect(ports.starts).toEqual([`${handle.taskId}-1`]);
  });

  test("a task whose queue entry was never written is queued by the retry once it is overdue", async () => {
    let now = Date.now();
    const ports = openPorts({ now: () => now });
    const away = () => Promise.reject(new Error("the store went away"));
    const down = { ...ports.store, enqueue: away, takeSlot: away };
    await expect(dispatch({ ...ports, store: down }, OWNER, plan(ports), key)).rejects.toThrow("went away");
    expect(ports.starts).toEqual([]);
    now += 61_000;
    const handle = await dispatch(ports, OWNER, plan(ports), key);
    expect(ports.starts).toEqual([`${handle.taskId}-1`]);
  });

  test("a key is free again after a day", async () => {
    let now = Date.now();
    const ports = openPorts({ now: () => now, steady: () => now });
    const first = await dispatch(ports, OWNER, plan(ports), key);
    now += 24 * 3600 * 1000;
    const second = await dispatch(ports, OWNER, plan(ports, { call: "another" }), key);
    expect(second.taskId).not.toBe(first.taskId);
  });
});

test("a large input is kept elsewhere, and the task has a preview of it", async () => {
  const ports = openPorts();
  const input = { command: "cat", stdin: "x".repeat(150_000) };
  const { taskId } = await dispatch(ports, OWNER, plan(ports, { input }));
  const task = await ports.store.get(taskId);
  expect(task?.input.command).toBe("cat");
  expect(task?.input.stdin).toMatch(/^x+\n\[\.\.\. \d+ characters left out \.\.\.\]\nx+$/);
  expect(task?.inputRef).toMatchObject({ sizeBytes: JSON.stringify(input).length });
  expect(task?.inputRef && (await readLargeValue(ports, task.inputRef))).toEqual(input);
});

describe("a task that was dispatched by a task", () => {
  test("lies one level deeper, down to the limit", async () => {
    const ports = openPorts();
    let parentTaskId: string | undefined;
    let root: string | undefined;
    for (let depth = 0; depth <= 3; depth++) {
      const input = { command: `true ${depth}` };
      const below = parentTaskId ? { parentTaskId } : undefined;
      const { taskId } = await dispatch(ports, OWNER, plan(ports, { input }, below));
      const task = await ports.store.get(taskId);
      expect(task?.depth).toBe(depth);
      expect(task?.parent).toBe(parentTaskId);
      root ??= taskId;
      parentTaskId = taskId;
    }
    expect(await problem(dispatch(ports, OWNER, plan(ports, {}, { parentTaskId })))).toMatchObject({
      code: "tree.limit",
      details: { root, limit: "maxDepth", value: 3 },
    });
  });

  test.each([7, "../x", `task_${"0".repeat(32)}`])("a parent that is %j says nothing", async (parentTaskId) => {
    const ports = openPorts();
    const { taskId } = await dispatch(ports, OWNER, plan(ports, {}, { parentTaskId }));
    expect(await ports.store.get(taskId)).toMatchObject({ depth: 0 });
  });

  test("neither does a task of somebody else", async () => {
    const ports = openPorts();
    const theirs = await dispatch(ports, "somebody else", plan(ports));
    const { taskId } = await dispatch(ports, OWNER, plan(ports, {}, { parentTaskId: theirs.taskId }));
    const task = await ports.store.get(taskId);
    expect(task?.depth).toBe(0);
    expect(task).not.toHaveProperty("parent");
  });
});

test("the policy is asked before anything is written", async () => {
  const rules = [{ effect: "deny" as const, taskTypes: ["command.run" as const], reason: "no programs here" }];
  const ports = openPorts({ configuration: { ...exampleConfiguration, policy: { rules } } });
  expect(await problem(dispatch(ports, OWNER, plan(ports), { idempotencyKey: "k" }))).toMatchObject({
    code: "policy.denied",
    message: "denied by policy: no programs here",
  });
  expect((await ports.store.list(OWNER, { limit: 10 })).items).toEqual([]);
});
