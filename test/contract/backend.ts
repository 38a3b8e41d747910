import { expect, onTestFinished, test } from "vitest";
import type { BackendAdapter } from "../../lib/backends/adapter.ts";
import { DispatchError } from "../../lib/contract/errors.ts";
import { jobTypeOf } from "../../lib/contract/kinds.ts";
import type { Target, Task } from "../../lib/contract/task.ts";
import { CONTRACT, helloReplySchema, pollReplySchema, refusalReplySchema } from "../../lib/contract/worker.ts";
import { makeTask, withFields } from "./make-task.ts";

export type BackendUnderTest = {
  adapter: BackendAdapter;
  accountProfile: string;
  target: Target;
  /** Everything of its tasks that exists: sessions and runtimes, by whatever names. */
  left(): Promise<readonly string[]>;
  /** Ends the session of a task behind the adapter's back. */
  lose(task: Task): Promise<void>;
  /** How many invocations have reached it, where somebody counts. */
  sent?(): number;
  close(): Promise<void>;
};

/** What every backend adapter promises, for one target mode. Nothing but the adapter is asked. */
export function backendContract(open: () => Promise<BackendUnderTest>): void {
  const settles = { timeout: 30_000 };

  async function start() {
    const under = await open();
    onTestFinished(() => under.close());
    const { adapter, accountProfile, target } = under;
    const { name: backend, provider } = adapter;
    const now = new Date().toISOString();
    const status = "provisioning";
    const phases = { queued: now, provisioning: now };
    const bare = makeTask({ backend, provider, accountProfile, target, status, phases, createdAt: now });
    const runtime = adapter.nameRuntime(bare);
    const id = adapter.nameSession(bare);
    const task = withFields(bare, {
      session: { id, state: "open", inFlight: {}, sent: 0 },
      obligations: { session: id, ...(runtime !== undefined && { runtime }) },
    });
    const remove = async (made: Task) => {
      await adapter.stop(withFields(made, { session: { id, state: "closed", inFlight: {} } }));
      await expect.poll(() => adapter.deleteRuntime(made), settles).toBe(true);
    };
    return { ...under, task, remove };
  }

  async function make() {
    const system = await start();
    const { adapter, task } = system;
    const made = withFields(task, await adapter.provision(task));
    onTestFinished(() => system.remove(made).catch(() => {}));
    await expect.poll(async () => (await adapter.awaitReady(made)).ready, settles).toBe(true);
    const reached = withFields(made, { status: "starting", session: { ...sessionOf(made), sent: 1 } });
    return { ...system, task: reached };
  }

  async function meet() {
    const system = await make();
    const { adapter, task } = system;
    const reply = await adapter.invoke(task, { contract: CONTRACT, op: "hello" }, { timeoutMs: 20_000 });
    const { bootId } = helloReplySchema.parse(reply);
    return { ...system, task: withFields(task, { session: { ...sessionOf(task), bootId } }), bootId };
  }

  const sessionOf = ({ session }: Task) => {
    if (!session) throw new Error("the task has no session");
    return session;
  };
  const startOf = ({ id, taskType, input, limits }: Task, bootId: string) =>
    ({
      contract: CONTRACT,
      op: "start",
      bootId,
      taskId: id,
      taskType: jobTypeOf(taskType),
      input,
      limits,
      depth: 0,
    }) as const;
  const pollOf = ({ id }: Task, bootId: string, waitSeconds = 0) =>
    ({ contract: CONTRACT, op: "poll", bootId, taskId: id, after: 0, waitSeconds, maxBytes: 100_000 }) as const;

  test("names what it will make before anything is made, each task's its own", async () => {
    const { adapter, task, left } = await start();
    const other = makeTask({ target: task.target });
    expect(sessionOf(task).id).not.toBe("");
    expect(adapter.nameSession(other)).not.toBe(sessionOf(task).id);
    expect(adapter.nameRuntime(task)).toBe(task.obligations.runtime);
    if (task.target.mode === "runtime") expect(adapter.nameRuntime(other)).not.toBe(task.obligations.runtime);
    expect(await left()).toEqual([]);
  });

  test("says how its worker is talked to, at the latest when it is made", async () => {
    const { adapter, task, remove } = await start();
    const made = await adapter.provision(task);
    expect(made.channel ?? adapter.channel(task)).toBe("call");
    await remove(withFields(task, made));
  });

  test("made twice is made once", async () => {
    const { adapter, task, left, remove } = await start();
    const first = await adapter.provision(task);
    const made = await left();
    expect(await adapter.provision(task)).toEqual(first);
    expect(await left()).toEqual(made);
    await remove(withFields(task, first));
    expect(await left()).toEqual([]);
  });

  test("is ready when its worker answers", async () => {
    const { bootId } = await meet();
    expect(bootId).not.toBe("");
  });

  test("sends each operation once, and a job that is handed over twice runs once", async () => {
    const { adapter, task, bootId, sent } = await meet();
    const before = sent?.() ?? 0;
    const accepted = { accepted: true, taskId: task.id };
    for (const _ of ["first", "again"])
      expect(await adapter.invoke(task, startOf(task, bootId), { timeoutMs: 20_000 })).toMatchObject(accepted);
    if (sent) expect(sent() - before).toBe(2);
    const ask = async () =>
      pollReplySchema.parse(await adapter.invoke(task, pollOf(task, bootId, 5), { timeoutMs: 20_000 })).status;
    await expect.poll(ask, settles).toBe("succeeded");
  });

  test("what is gone is gone: nobody answers in its place as if it were the same", async () => {
    const { adapter, task, bootId, lose } = await meet();
    await adapter.invoke(task, startOf(task, bootId), { timeoutMs: 20_000 });
    await lose(task);
    const answer = await adapter
      .invoke(task, pollOf(task, bootId), { timeoutMs: 20_000 })
      .catch((error: Error) => error);
    const { code } = answer instanceof DispatchError ? answer : refusalReplySchema.parse(answer).error;
    expect(["worker.gone", "worker.replaced", "worker.connection_lost"]).toContain(code);
  });

  test("is stopped twice as it is once, and also when it was never made", async () => {
    const { adapter, task, left, remove } = await meet();
    const closed = withFields(task, { session: { ...sessionOf(task), state: "closed" } });
    await adapter.stop(closed);
    await adapter.stop(closed);
    await remove(closed);
    expect(await left()).toEqual([]);
    const never = await start();
    await never.adapter.stop(never.task);
    expect(await never.left()).toEqual([]);
  });

  test("says that it is removed when nothing of it is left, and again", async () => {
    const { adapter, task, left, remove } = await make();
    await remove(task);
    expect(await left()).toEqual([]);
    expect(await adapter.deleteRuntime(task)).toBe(true);
  });

  test.each([
    ["as it should be", {}],
    [
      "with details that are nonsense",
      { details: { workspace: 7, runtimeArn: [], region: {}, contract: 1, shelf: null } },
    ],
    ["without details", { details: undefined }],
    ["in a mode that is none", { mode: "sideways" }],
  ])("checks a target %s without ever throwing", async (_, changes) => {
    const { adapter, accountProfile, target } = await start();
    const { name: backend, provider } = adapter;
    const placement = { provider, accountProfile, backend, target: { ...target, ...changes } as Target };
    for (const live of [false, true])
      for (const { name, status, message } of await adapter.check(placement, live)) {
        expect(name).not.toBe("");
        expect(["pass", "warn", "fail"]).toContain(status);
        expect(message).not.toBe("");
      }
  });
}
