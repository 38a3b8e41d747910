import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Status } from "../../../lib/contract/lifecycle.ts";
import { isSettled, type Task, transition } from "../../../lib/contract/task.ts";
import { newTaskId } from "../../../lib/contract/task-id.ts";
import { dispatch } from "../../../lib/engine/dispatch.ts";
import { openTaskStore } from "../../../lib/store/dynamodb/task-store.ts";
import { makeTask, moved } from "../../contract/make-task.ts";
import { newOwner } from "../../contract/shared-store.ts";
import { type Dynalite, startDynalite } from "../../emulators/dynalite.ts";
import { plan } from "../../engine/plan.ts";
import { virtualSystem } from "../../fixtures/virtual-system.ts";
import { openPorts } from "../../mcp/ports.ts";
import { type Cost, meteredClient, total } from "./capacity.ts";

let dynalite: Dynalite;
beforeAll(async () => {
  dynalite = await startDynalite();
});
afterAll(() => dynalite?.stop());

const step = (task: Task, to: string) => moved(task, to as Status);

const isEvent = ({ sort }: Cost) => sort.startsWith("EVENT#") || sort.startsWith("LOG#");

describe("consumed capacity of the smallest task, from its dispatch until it is settled", () => {
  it.each([
    ["on one machine", "local"],
    ["of a person in the cloud", "aws:123456789012:AWSReservedSSO_PowerUserAccess:somebody.with.a.name@example.com"],
  ])("is at most 28 write and 15 read units, %s", async (_, owner) => {
    const tableName = await dynalite.makeTable();
    const { client, costs } = await meteredClient(dynalite.endpoint);
    {
      await using system = virtualSystem({
        // A clock as it goes, so that no two times are the same and compress to nothing.
        wrap: (_, step) => async (ports, input) => {
          system.advance(1237);
          return step(ports, input);
        },
        openStore: ({ now }) => openTaskStore({ tableName, client, now }),
      });
      system.advance(12_345_678_901);
      const id = await system.dispatch(owner);
      // Whoever waits here is none of the task's business: it reads through a store of its own.
      const watching = openTaskStore({ tableName, endpoint: dynalite.endpoint, now: system.ports.now });
      for (let task = await watching.get(id); !task || !isSettled(task); task = await watching.get(id))
        await watching.waitForChange(id, task?.revision ?? 0, 20);
      watching.close();
    }
    client.destroy();
    const counted = costs.filter((cost) => !isEvent(cost));
    const { write, read } = total(counted);
    expect(write, JSON.stringify(counted)).toBeLessThanOrEqual(28);
    expect(read, JSON.stringify(counted)).toBeLessThanOrEqual(15);
    // The flow did what it does: nothing was refused, and all writes were seen.
    expect(write).toBeGreaterThan(15);
  });
});

describe("a dispatch of which nobody waits", () => {
  const dispatched = async (more: { idempotencyKey?: string }, { turn = 0 } = {}) => {
    const { client, costs } = await meteredClient(dynalite.endpoint);
    const store = openTaskStore({ tableName: await dynalite.makeTable(), client });
    const ports = { ...openPorts(), store };
    // Another of the owner runs already.
    await dispatch(ports, "me", plan(ports));
    const agent = { ...plan(ports).route, taskType: "agent.run" } as const;
    let conversation: string | undefined;
    for (let before = 1; before < turn; before++) {
      const { taskId, ...begun } = await dispatch(ports, "me", plan(ports, { route: agent, conversation }));
      conversation = begun.conversation;
      await store.change(taskId, (task) => ["starting", "running", "completing", "succeeded"].reduce(step, task));
    }
    costs.length = 0;
    const handle = await dispatch(ports, "me", plan(ports, turn > 0 ? { route: agent, conversation } : {}), more);
    const requests = costs.map(({ command, sort }) => `${command.replace("ItemCommand", "")} ${sort.split("#")[0]}`);
    client.destroy();
    return { handle, requests };
  };

  it("takes four requests until its handle is returned, which says that it has begun", async () => {
    const { handle, requests } = await dispatched({});
    expect(requests).toEqual(["Put TASK", "QueryCommand ", "Update SLOTS", "Put TASK"]);
    expect(handle.status).toBe("provisioning");
  });

  it("takes no more when it begins a conversation", async () => {
    const { requests } = await dispatched({}, { turn: 1 });
    expect(requests).toEqual(["Put TASK", "QueryCommand ", "Update SLOTS", "Put TASK"]);
  });

  it.each([2, 3])(
    "takes three more as turn %i of one: whose turn it is, what became of it, that it is taken",
    async (turn) => {
      const { handle, requests } = await dispatched({}, { turn });
      const turns = ["Get ", "Get ", "Put CONVERSATION"];
      expect(requests).toEqual(["Put TASK", ...turns, "QueryCommand ", "Update SLOTS", "Put TASK"]);
      expect(handle.status).toBe("provisioning");
    },
  );

  it("takes one more with a key", async () => {
    const { handle, requests } = await dispatched({ idempotencyKey: "key" });
    expect(requests).toHaveLength(5);
    expect(requests[0]).toBe("Put KEY");
    expect(handle.status).toBe("provisioning");
  });
});

describe("consumed capacity of an operation", () => {
  it("is bounded", async () => {
    const { client, costs } = await meteredClient(dynalite.endpoint);
    const store = openTaskStore({ tableName: await dynalite.makeTable(), client });
    const costOf = async (work: () => Promise<unknown>) => {
      costs.length = 0;
      await work();
      return total(costs);
    };
    const owner = newOwner();
    const tasks = Array.from({ length: 50 }, (_, i) =>
      makeTask({ owner, createdAt: new Date(Date.now() + i).toISOString() }),
    );
    const [task = makeTask(), other = makeTask()] = tasks;
    const entry = { owner, taskId: task.id, profile: "local", queuedAtMs: 1 };
    const limits = { maxRunning: 1, maxRunningPerProfile: 1 };
    const later = (ms: number) => () =>
      store.change(task.id, (now) => ({ ...now, dueAtMs: (now.dueAtMs ?? 0) + ms, goal: `${ms}` }));
    const chunk = { taskId: task.id, sequence: 100, stream: "stdout", timestamp: task.createdAt };
    const lines = Array.from({ length: 200 }, (_, i) => `${i}: compiled module number ${i * 7919} without a warning\n`);

    expect(await costOf(() => store.create(task)), "its item, and an entry in either index").toEqual({
      write: 3,
      read: 0,
    });
    expect(await costOf(() => store.create(task)), "refused").toEqual({ write: 1, read: 0 });
    for (const task of tasks.slice(1)) await store.create(task);
    expect(await costOf(() => store.get(task.id))).toEqual({ write: 0, read: 1 });
    expect(await costOf(later(1000)), "read just now").toEqual({ write: 1, read: 0 });
    expect(await costOf(later(60_000)), "the index entry stays").toEqual({ write: 1, read: 0 });
    expect(await costOf(() => store.change(other.id, () => undefined))).toEqual({ write: 0, read: 1 });
    expect(await costOf(() => store.list(owner, { limit: 20 })), "21 items, and their names").toEqual({
      write: 0,
      read: 11,
    });
    for (const among of ["begun", "queued"] as const)
      expect(await costOf(() => store.listDue(0, 10, among)), "four shards").toEqual({ write: 0, read: 2 });
    const begin = () => store.change(other.id, (now) => moved(now, "provisioning"));
    expect(await costOf(begin), "read just now; its entry moves to those that have begun").toEqual({
      write: 3,
      read: 0,
    });
    expect(await costOf(() => store.enqueue(entry))).toEqual({ write: 1, read: 0 });
    expect(await costOf(() => store.listQueue(owner, 50))).toEqual({ write: 0, read: 1 });
    expect(await costOf(() => store.countAhead(entry))).toEqual({ write: 0, read: 1.5 });
    const another = { ...entry, taskId: other.id };
    expect(await costOf(() => store.takeSlot(entry, limits)), "the first of an owner, who is listed").toEqual({
      write: 4,
      read: 3,
    });
    await store.releaseSlot(owner, entry);
    expect(await costOf(() => store.takeSlot(entry, limits)), "whether or not there are pauses").toEqual({
      write: 1,
      read: 0,
    });
    expect(await costOf(() => store.takeSlot(another, limits)), "refused").toEqual({ write: 1, read: 1 });
    expect(await costOf(() => store.takeSlot(another, limits)), "refused again").toEqual({ write: 0, read: 1 });
    expect(await costOf(() => store.releaseSlot(owner, entry))).toEqual({ write: 1, read: 0 });
    expect(await costOf(() => store.dequeue(entry))).toEqual({ write: 1, read: 0 });
    const claim = { taskId: newTaskId(), callHash: "0".repeat(64), expiresAtMs: Date.now() + 1000 };
    expect(await costOf(() => store.claimKey(owner, "key", claim, Date.now()))).toEqual({ write: 1, read: 0 });
    expect(await costOf(() => store.appendLog([{ ...chunk, offset: 0, text: "a line\n" }]))).toEqual({
      write: 1,
      read: 0,
    });
    const text = lines.join("");
    expect(text.length).toBeGreaterThan(9000);
    const { write } = await costOf(() => store.appendLog([{ ...chunk, offset: 7, text, sequence: 101 }]));
    expect(write, "9 KB of text, compressed").toBeLessThanOrEqual(3);
    expect((await costOf(() => store.readLog(task.id, 0, 64_000))).read).toBeLessThanOrEqual(2);
    expect((await costOf(() => store.listEvents(task.id, 0, 100))).read).toBeLessThanOrEqual(2);
    const cancelled = () => store.change(task.id, (now) => transition(now, "cancelled", Date.now()));
    expect(await costOf(cancelled), "its entry leaves the index, and what it took is noted").toEqual({
      write: 3,
      read: 0,
    });
    expect(await costOf(() => store.listLedger(owner, { sinceMs: 0, limit: 1000 }))).toEqual({ write: 0, read: 0.5 });
    store.close();
    client.destroy();
  });
});
