/** Tasks that go on with one conversation: whose turn it is, what it goes on with, and what a dead process leaves. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Status } from "../../lib/contract/lifecycle.ts";
import { isSettled, type Json, type Task, type TaskConversation } from "../../lib/contract/task.ts";
import { conversationBegunBy } from "../../lib/contract/task-id.ts";
import type { TaskHandle } from "../../lib/contract/tools/task-handle.ts";
import { admit } from "../../lib/engine/admission/admission.ts";
import { MAX_WAITING } from "../../lib/engine/conversations/find.ts";
import type { Ports } from "../../lib/engine/ports.ts";
import { recoverDue } from "../../lib/engine/recovery.ts";
import { TaskService } from "../../lib/engine/service.ts";
import { steps } from "../../lib/engine/steps/index.ts";
import { openTaskStore as openDynamo } from "../../lib/store/dynamodb/task-store.ts";
import type { TaskStore } from "../../lib/store/port.ts";
import { openTaskStore } from "../../lib/store/sqlite/task-store.ts";
import { moved, withFields } from "../contract/make-task.ts";
import { type Dynalite, startDynalite } from "../emulators/dynalite.ts";
import { damageTask } from "../fixtures/damage-task.ts";
import { mortalPorts } from "../fixtures/mortal-ports.ts";
import { openPorts } from "../mcp/ports.ts";

const OWNER = "local";
type OpenStore = (options: { now: () => number }) => TaskStore;

/** A control plane whose agents run when the test says so. */
function plane({ maxRunning = 10, openStore }: { maxRunning?: number; openStore?: OpenStore } = {}) {
  let aheadMs = 0;
  const now = () => Date.now() + aheadMs;
  const own = openPorts({
    now,
    configuration: {
      accounts: { local: { provider: "local", credentialSource: "none" } },
      backends: { here: { adapter: "local-process", account: "local" } },
      runtimes: {
        local: { backend: "here", framework: "echo", model: "small" },
        other: { backend: "here", framework: "mine", limits: { maxRunning: 1 } },
      },
      defaults: { runtime: "local", limits: { maxRunning } },
    },
  });
  const ports: ReturnType<typeof openPorts> = openStore ? { ...own, store: openStore({ now }) } : own;
  const { store } = ports;
  const read = async (id: string) => {
    const task = await store.get(id);
    if (!task) throw new Error(`${id} is not there`);
    return task;
  };
  const move = (id: string, ...path: Status[]) =>
    store.change(id, (task) => path.reduce((at, status) => moved(at, status, ports.now()), task));
  const service = (owner = OWNER, by: Ports = ports) => new TaskService(by, owner);

  return {
    ports,
    read,
    move,
    service,
    advance: (ms: number) => {
      aheadMs += ms;
    },
    async spawn(given: Json = {}, owner = OWNER, by: Ports = ports): Promise<{ id: string; conversation: string }> {
      const handle = (await service(owner, by).spawn({ instruction: "go on", ...given })) as TaskHandle;
      return { id: handle.taskId, conversation: String(handle.conversation) };
    },
    run: (id: string) => move(id, "starting", "running"),
    /** Its worker says that it has ended, and what the next turn needs. */
    async end(id: string, left: Partial<TaskConversation> = {}) {
      const has = (task: Task): Task => withFields(task, { conversation: { id: "", ...task.conversation, ...left } });
      await store.change(id, has);
      return move(id, "completing", "succeeded");
    },
    clean: async (id: string, by: Ports = ports) => steps.Cleanup(by, { id, n: (await read(id)).executionNumber }),
    statuses: async (...some: string[]) => (await Promise.all(some.map(read))).map(({ status }) => status),
  };
}

describe.each(["SQLite", "DynamoDB"])("turns of a conversation, on %s", (kind) => {
  let dynalite: Dynalite | undefined;
  let tableName = "";
  beforeAll(async () => {
    if (kind !== "DynamoDB") return;
    dynalite = await startDynalite();
    tableName = await dynalite.makeTable();
  });
  afterAll(() => dynalite?.stop());
  const open = (options: { maxRunning?: number } = {}) => {
    const { client } = dynalite ?? {};
    return plane({
      ...options,
      ...(client && { openStore: ({ now }) => openDynamo({ tableName, client, now }) }),
    });
  };
  const owner = `${OWNER}-${kind}`;

  it("run one after the other, in the order in which they came", async () => {
    const { spawn, run, end, clean, statuses } = open();
    const first = await spawn({}, owner);
    expect(first.conversation).toBe(conversationBegunBy(first.id));
    await run(first.id);
    const { conversation } = first;
    const second = await spawn({ conversation }, owner);
    const third = await spawn({ conversation }, owner);
    expect([second.conversation, third.conversation]).toEqual([conversation, conversation]);
    expect(await statuses(first.id, second.id, third.id)).toEqual(["running", "queued", "queued"]);
    await end(first.id);
    await clean(first.id);
    expect(await statuses(second.id, third.id)).toEqual(["provisioning", "queued"]);
    await run(second.id);
    await end(second.id);
    await clean(second.id);
    expect(await statuses(third.id)).toEqual(["provisioning"]);
  });

  it("keep nobody of another conversation waiting, nor anybody of the same once they are over", async () => {
    const { spawn, run, end, clean, statuses } = open();
    const { id, conversation } = await spawn({}, owner);
    await run(id);
    const waiting = await spawn({ conversation }, owner);
    const stranger = await spawn({}, owner);
    expect(await statuses(waiting.id, stranger.id)).toEqual(["queued", "provisioning"]);
    await end(id);
    await clean(id);
    await run(waiting.id);
    await end(waiting.id);
    await clean(waiting.id);
    const later = await spawn({ conversation }, owner);
    expect(await statuses(later.id)).toEqual(["provisioning"]);
  });

  it("go on with what the last one left, or was given itself", async () => {
    const { spawn, run, end, clean, read } = open();
    const { id, conversation } = await spawn({}, owner);
    await run(id);
    const session = { framework: "echo", id: "s-1" };
    const state = { taskId: id, sizeBytes: 3, sha256: "0".repeat(64) };
    await end(id, { session, state });
    await clean(id);
    const second = await spawn({ conversation }, owner);
    expect((await read(second.id)).conversation).toEqual({ id: conversation, session, state });
    // It tells of a session of its own, and leaves no files.
    await run(second.id);
    await end(second.id, { session: { framework: "echo", id: "s-2" } });
    await clean(second.id);
    const third = await spawn({ conversation }, owner);
    expect((await read(third.id)).conversation).toEqual({
      id: conversation,
      session: { framework: "echo", id: "s-2" },
      state,
    });
  });

  it("pass over one that was cancelled while it waited, also in its turn", async () => {
    const { spawn, run, end, clean, statuses, service, read } = open({ maxRunning: 1 });
    const first = await spawn({}, `${owner}-narrow`);
    const { conversation } = first;
    await run(first.id);
    const session = { framework: "echo", id: "s-1" };
    await end(first.id, { session });
    // The slot is still held: the next has its turn and waits for a slot, and another one behind it.
    const second = await spawn({ conversation }, `${owner}-narrow`);
    const third = await spawn({ conversation }, `${owner}-narrow`);
    const fourth = await spawn({ conversation }, `${owner}-narrow`);
    for (const { id } of [second, third]) await service(`${owner}-narrow`).cancel({ task_id: id });
    expect(await statuses(second.id, third.id, fourth.id)).toEqual(["cancelled", "cancelled", "queued"]);
    await clean(first.id);
    expect(await statuses(fourth.id)).toEqual(["provisioning"]);
    expect((await read(fourth.id)).conversation).toEqual({ id: conversation, session });
  });

  it("run one at a time, and none is lost, when eight come at once", async () => {
    const { spawn, run, end, clean, statuses } = open();
    const { id, conversation } = await spawn({}, owner);
    await run(id);
    const some = await Promise.all(Array.from({ length: 8 }, () => spawn({ conversation }, owner)));
    const left = new Set(some.map(({ id }) => id));
    for (let at = id; left.size > 0; ) {
      await end(at);
      await clean(at);
      const begun: string[] = [];
      for (const other of left) if ((await statuses(other))[0] === "provisioning") begun.push(other);
      expect(begun).toHaveLength(1);
      at = begun[0] ?? "";
      left.delete(at);
      await run(at);
    }
  });
});

describe("the next turn", () => {
  it("begins once nothing of the last can run any more, whether or not its worker said so", async () => {
    const { ports, spawn, run, move, clean, statuses, read } = plane();
    const { id, conversation } = await spawn();
    await run(id);
    const session = { id: "session-1", state: "open", inFlight: {} } as const;
    await ports.store.change(id, (task) => ({
      ...task,
      session,
      obligations: { ...task.obligations, session: session.id },
    }));
    await move(id, "failed");
    const next = await spawn({ conversation });
    // Its worker is lost, and nobody knows yet that it does not run.
    expect(await statuses(id, next.id)).toEqual(["failed", "queued"]);
    await clean(id);
    expect(isSettled(await read(id))).toBe(true);
    expect(await statuses(next.id)).toEqual(["provisioning"]);
  });

  it("begins although whoever was to let it begin has died, wherever that was", async () => {
    for (let dies = 1; dies < 30; dies++) {
      const { ports, spawn, run, end, clean, statuses, advance, read } = plane();
      const { id, conversation } = await spawn();
      await run(id);
      const next = await spawn({ conversation });
      await end(id);
      const mortal = mortalPorts(ports, { dies });
      await clean(id, mortal).catch(() => {});
      if (!mortal.died.yet) return expect(dies).toBeGreaterThan(4);
      for (let round = 0; round < 3; round++) {
        advance(20 * 60_000);
        await recoverDue(ports);
        if (!isSettled(await read(id))) await clean(id);
      }
      expect(await statuses(next.id), `after ${dies} writes`).toEqual(["provisioning"]);
      const last = await spawn({ conversation });
      expect(await statuses(last.id)).toEqual(["queued"]);
    }
    throw new Error("the clean-up does not come to an end");
  });

  it("is one, when two control planes on one store let them begin", async () => {
    const one = plane();
    const store = openTaskStore(one.ports.folder, { now: one.ports.now });
    const two = { ...one.ports, store };
    const { id, conversation } = await one.spawn();
    await one.run(id);
    const others = await Promise.all([one.spawn({ conversation }), one.spawn({ conversation }, OWNER, two)]);
    await one.end(id);
    await Promise.all([one.clean(id), admit(two, OWNER), admit(one.ports, OWNER)]);
    expect((await one.statuses(...others.map(({ id }) => id))).sort()).toEqual(["provisioning", "queued"]);
    store.close();
  });

  it("waits for its place behind one whose profile is full", async () => {
    const { spawn, run, end, clean, statuses } = plane();
    const busy = await spawn({ runtime: "other" });
    const { id, conversation } = await spawn();
    await run(id);
    await run(busy.id);
    const second = await spawn({ conversation, runtime: "other" });
    const third = await spawn({ conversation, runtime: "local" });
    await end(id);
    await clean(id);
    expect(await statuses(second.id, third.id)).toEqual(["queued", "queued"]);
    await end(busy.id);
    await clean(busy.id);
    expect(await statuses(second.id, third.id)).toEqual(["provisioning", "queued"]);
  });

  it("is begun at once where the one before it is cancelled while it waits for a slot", async () => {
    const { spawn, run, end, clean, statuses, service } = plane();
    const busy = await spawn({ runtime: "other" });
    await run(busy.id);
    const { id, conversation } = await spawn();
    await run(id);
    await end(id);
    await clean(id);
    const second = await spawn({ conversation, runtime: "other" });
    const third = await spawn({ conversation, runtime: "local" });
    await service().cancel({ task_id: second.id });
    expect(await statuses(second.id, third.id)).toEqual(["cancelled", "provisioning"]);
  });

  it("runs as the last one did, unless it says otherwise", async () => {
    const { spawn, read } = plane();
    const first = await spawn({
      framework: "mine",
      model: "large",
      target: { details: { workspace: "/tmp" } },
    });
    const { conversation } = first;
    const asIt = await read((await spawn({ conversation })).id);
    expect(asIt).toMatchObject({
      profile: "local",
      input: { framework: "mine", model: "large" },
      target: { details: { workspace: "/tmp" } },
    });
    const echo = await read((await spawn({ conversation, framework: "echo" })).id);
    expect(echo.input).toMatchObject({ framework: "echo", model: "small" });
    const elsewhere = await read((await spawn({ conversation, runtime: "other" })).id);
    expect(elsewhere).toMatchObject({ profile: "other", input: { framework: "mine" } });
    expect(elsewhere.input.model).toBeUndefined();
    expect(elsewhere.target.details).toBeUndefined();
    // And that is the last one now.
    expect((await read((await spawn({ conversation })).id)).profile).toBe("other");
  });

  it("is not dispatched by a turn of the same conversation, which it would wait for", async () => {
    const { spawn, run } = plane();
    const { id, conversation } = await spawn();
    await run(id);
    const metadata = { parentTaskId: id };
    await expect(spawn({ conversation, metadata })).rejects.toMatchObject({
      code: "input.invalid",
      hint: expect.stringContaining("leave conversation out"),
    });
    expect((await spawn({ metadata, instruction: "a part of it" })).conversation).not.toBe(conversation);
  });

  it("is refused where a hundred wait", async () => {
    const { ports, spawn, run, service } = plane();
    const { id, conversation } = await spawn();
    await run(id);
    const waiting: string[] = [];
    for (let i = 0; i < MAX_WAITING; i++) waiting.push((await spawn({ conversation })).id);
    await expect(spawn({ conversation })).rejects.toMatchObject({ code: "conversation.full" });
    expect(await ports.store.getConversation(conversation)).toMatchObject({ turn: id, waiting });
    const listed: string[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await service().list({ limit: 100, ...(cursor !== undefined && { cursor }) });
      listed.push(...page.items.map((task) => task.id));
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    expect(listed.sort()).toEqual([id, ...waiting].sort());
  });

  it("can be asked for again with the same key, and is made once", async () => {
    const { ports, spawn, run } = plane();
    const { id, conversation } = await spawn();
    await run(id);
    const again = { conversation, idempotency_key: "key" };
    const [one, two] = [await spawn(again), await spawn(again)];
    expect(two).toEqual(one);
    expect((await ports.store.getConversation(conversation))?.waiting).toEqual([one.id]);
    await expect(spawn({ idempotency_key: "key" })).rejects.toMatchObject({ code: "idempotency.conflict" });
  });
});

describe("a conversation", () => {
  const refusal = (id: string) => ({
    code: "conversation.not_found",
    message: `no conversation ${id}`,
    hint: expect.stringContaining("list_tasks"),
  });

  it("is its owner's: another's is not found, in the words for one that never was", async () => {
    const { spawn, run } = plane();
    const never = `conv_${"0".repeat(32)}`;
    await expect(spawn({ conversation: never })).rejects.toMatchObject(refusal(never));
    const { id, conversation } = await spawn();
    const ofAnother = () => spawn({ conversation }, "somebody else");
    await expect(ofAnother()).rejects.toMatchObject(refusal(conversation));
    await run(id);
    await spawn({ conversation });
    await expect(ofAnother(), "of several turns").rejects.toMatchObject(refusal(conversation));
    await expect(spawn({ conversation: "conv_1" })).rejects.toMatchObject({ code: "input.invalid" });
  });

  it("is none of a command's", async () => {
    const { service, ports } = plane();
    const asked = { provider: "local", account_profile: "local", capability: "agent-runtime" };
    const dispatched = (more: Json) => service().dispatch({ ...asked, target: { mode: "session" }, ...more });
    const command = await dispatched({ task_type: "command.run", input: { command: "true" } });
    expect(command).not.toHaveProperty("conversation");
    const conversation = conversationBegunBy(command.taskId);
    const goesOn = service().spawn({ instruction: "x", conversation });
    await expect(goesOn).rejects.toMatchObject(refusal(conversation));
    const agent = await dispatched({ task_type: "agent.run", input: { instruction: "x", framework: "echo" } });
    expect(agent.conversation).toBe(conversationBegunBy(agent.taskId));
    expect(await ports.store.getConversation(conversation)).toBeUndefined();
  });

  it("is in the handle, the record and the list", async () => {
    const { spawn, service } = plane();
    const { id, conversation } = await spawn();
    expect(await service().status({ task_id: id })).toMatchObject({ conversation });
    expect((await service().list({})).items).toMatchObject([{ id, conversation }]);
  });

  it("is not found once its last turn has expired, and goes on while one is there", async () => {
    const { ports, spawn, run, end, clean, advance } = plane();
    const days = async (count: number) => {
      for (let day = 0; day < count; day++) {
        advance(86_400_000);
        await ports.store.get(`task_${"0".repeat(32)}`);
      }
    };
    const over = async (id: string) => {
      await run(id);
      await end(id);
      await clean(id);
    };
    const first = await spawn();
    const { conversation } = first;
    await over(first.id);
    await days(60);
    const second = await spawn({ conversation });
    await over(second.id);
    await days(60);
    expect(await ports.store.get(first.id)).toBeUndefined();
    const third = await spawn({ conversation });
    await over(third.id);
    await days(95);
    await expect(spawn({ conversation })).rejects.toMatchObject(refusal(conversation));
  });

  it("goes on past a turn whose record is damaged", async () => {
    const { ports, spawn, run, end, clean, statuses } = plane();
    const first = await spawn();
    const { conversation } = first;
    await run(first.id);
    await end(first.id);
    await clean(first.id);
    const second = await spawn({ conversation });
    await run(second.id);
    damageTask(ports.folder, second.id);
    const third = await spawn({ conversation });
    expect(await statuses(third.id)).toEqual(["provisioning"]);
  });
});
