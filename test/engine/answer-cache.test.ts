/** The same request again: what answers it, and what never does, on either store. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import type { Json, Task } from "../../lib/contract/task.ts";
import { TaskService } from "../../lib/engine/service.ts";
import { openTaskStore } from "../../lib/store/dynamodb/task-store.ts";
import { moved } from "../contract/make-task.ts";
import { newOwner } from "../contract/shared-store.ts";
import { type Dynalite, startDynalite } from "../emulators/dynalite.ts";
import { parseConfiguration } from "../fixtures/configuration.ts";
import { exampleConfiguration, openPorts } from "../mcp/ports.ts";

const done = { output: "well", outcome: "done" };

describe.each(["sqlite", "dynamodb"])("on %s", (kind) => {
  let dynalite: Dynalite | undefined;
  beforeAll(async () => {
    if (kind === "dynamodb") dynalite = await startDynalite();
  });
  afterAll(() => dynalite?.stop());

  /** Tasks of an owner, where answers are good for a minute unless the configuration says otherwise. */
  async function open(cache: ConfigurationInput["cache"] = { ttlSeconds: 60 }) {
    let aheadMs = 0;
    let configured: ConfigurationInput = { ...exampleConfiguration, cache };
    const ports = openPorts({ now: () => Date.now() + aheadMs });
    const store =
      dynalite && openTaskStore({ tableName: await dynalite.makeTable(), client: dynalite.client, now: ports.now });
    let before: { name: string; run: () => Promise<void> } | undefined;
    const watched = new Proxy(store ?? ports.store, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...values: unknown[]) => unknown;
        return async (...values: unknown[]) => {
          const now = before?.name === name ? before : undefined;
          if (now) before = undefined;
          await now?.run();
          return method.apply(target, values);
        };
      },
    });
    const kept = { ...ports, store: watched, configuration: () => parseConfiguration(configured) };
    if (store) onTestFinished(() => store.close());
    const owner = newOwner();
    const tasks = new TaskService(kept, owner);
    return {
      owner,
      tasks,
      of: (other: string) => new TaskService(kept, other),
      spawn: (call: Json = {}) =>
        tasks.spawn({ instruction: "How many?", ...call }) as Promise<Json & { taskId: string }>,
      /** Ends a task as its worker would. */
      end: (id: string, result: unknown = done) =>
        kept.store.change(id, (task) => {
          const path = ["starting", "running", "completing", "succeeded"] as const;
          const from = task.status === "queued" ? moved(task, "provisioning", ports.now()) : task;
          return path.reduce((now, status) => moved(now, status, ports.now()), { ...from, result } as Task);
        }),
      advance: (ms: number) => {
        aheadMs += ms;
      },
      /** What happens right before the next call of that method of the store. */
      meanwhile: (name: string, run: () => Promise<void>) => {
        before = { name, run };
      },
      configure: (edit: (configuration: typeof exampleConfiguration) => ConfigurationInput) => {
        configured = { ...edit(exampleConfiguration), cache };
      },
    };
  }

  test("is answered at once by the earlier task, for as long as the configuration says", async () => {
    const { spawn, end, advance, tasks } = await open();
    const first = await spawn();
    expect(first).not.toHaveProperty("cached");
    await end(first.taskId);
    expect(await spawn()).toMatchObject({ taskId: first.taskId, status: "succeeded", cached: true });
    expect(await tasks.cacheStats({})).toEqual({
      enabled: true,
      size: 1,
      max_size: 4096,
      hits: 1,
      misses: 1,
      hit_rate: 0.5,
      ttl: 60,
    });
    advance(61_000);
    expect((await spawn()).taskId).not.toBe(first.taskId);
    expect(await tasks.cacheStats({})).toMatchObject({ size: 0 });
  });

  test("runs anew while nobody has an answer, where that was not done, and after a clear", async () => {
    const { spawn, end, tasks } = await open();
    const first = await spawn();
    const second = await spawn();
    expect(second.taskId).not.toBe(first.taskId);
    await end(first.taskId, { ...done, outcome: "partial" });
    const third = await spawn();
    expect(third).not.toHaveProperty("cached");
    await end(third.taskId);
    expect(await spawn()).toMatchObject({ taskId: third.taskId, cached: true });
    expect(await tasks.clearCache({})).toEqual({ cleared: 1 });
    expect(await spawn()).not.toHaveProperty("cached");
  });

  test.each<[what: string, call: Json]>([
    ["task", { instruction: "How much?" }],
    ["context", { context: { shelf: 3 } }],
    ["caller", { caller: "somebody" }],
    ["goal", { goal: "to know" }],
    ["format", { response_format: "json" }],
    ["model", { model: "large" }],
    ["tools", { runtime_tools: { enabled: ["web"] } }],
    ["metadata", { metadata: { team: "a" } }],
    ["profile", { runtime: "other" }],
    ["environment", { environment_variables: { A: "1" } }],
    ["refusal to be answered so", { cache: false }],
  ])("with another %s is another request", async (_, call) => {
    const { spawn, end, configure } = await open();
    configure((configuration) => ({
      ...configuration,
      runtimes: { ...configuration.runtimes, other: configuration.runtimes.local },
    }));
    await end((await spawn()).taskId);
    expect(await spawn(call)).not.toHaveProperty("cached");
    expect(await spawn({ timeout_seconds: 77 }), "how long it may take is no part of it").toHaveProperty("cached");
  });

  const { accounts, backends, runtimes, defaults } = exampleConfiguration;
  const environment = { AGENTDISPATCH_FRAMEWORK_COMMAND_MINE: "node newer.mjs" };
  test.each<[what: string, change: Partial<ConfigurationInput>]>([
    ["profile", { runtimes: { ...runtimes, local: { ...runtimes.local, description: "reads more" } } }],
    [
      "backend",
      { backends: { ...backends, "this-machine": { ...backends["this-machine"], details: { environment } } } },
    ],
    ["account", { accounts: { ...accounts, local: { ...accounts.local, region: "eu-west-1" } } }],
    ["target by default", { defaults: { ...defaults, target: { details: { environment } } } }],
  ])("with another configuration of its %s is another request", async (_, change) => {
    const { spawn, end, configure } = await open();
    await end((await spawn()).taskId);
    configure((configuration) => ({ ...configuration, ...change }));
    expect(await spawn()).not.toHaveProperty("cached");
    configure((configuration) => configuration);
    expect(await spawn()).toHaveProperty("cached");
  });

  test("answered under a key is what the key stands for from then on", async () => {
    const { spawn, end, tasks } = await open();
    const first = await spawn();
    await end(first.taskId);
    const keyed = { idempotency_key: "k" };
    expect(await spawn(keyed)).toMatchObject({ taskId: first.taskId, cached: true });
    expect(await tasks.clearCache({})).toEqual({ cleared: 1 });
    expect(await spawn(keyed)).toMatchObject({ taskId: first.taskId, status: "succeeded" });
    await expect(spawn({ ...keyed, timeout_seconds: 77 })).rejects.toMatchObject({ code: "idempotency.conflict" });
    expect((await tasks.list({})).items).toHaveLength(1);
  });

  test("that was not made under its key is made, also where it could be answered by now", async () => {
    const { spawn, end, meanwhile } = await open();
    const keyed = { idempotency_key: "k" };
    meanwhile("create", () => Promise.reject(new Error("it died")));
    await expect(spawn(keyed)).rejects.toThrow("it died");
    const other = await spawn();
    await end(other.taskId);
    const made = await spawn(keyed);
    expect(made).not.toHaveProperty("cached");
    expect(made.taskId).not.toBe(other.taskId);
    expect(await spawn(keyed)).toMatchObject({ taskId: made.taskId });
  });

  test("sent twice at once under one key gets one task, whatever each of the two finds", async () => {
    const { spawn, end, tasks, meanwhile } = await open();
    await end((await spawn()).taskId);
    const keyed = { idempotency_key: "k" };
    // The other call comes after this one has looked for an answer, and finds none.
    let other: Json | undefined;
    meanwhile("claimKey", async () => {
      await tasks.clearCache({});
      other = await spawn(keyed);
    });
    expect((await spawn(keyed)).taskId).toBe(other?.taskId);
  });

  test("is never answered by what somebody else was answered", async () => {
    const { spawn, end, of } = await open();
    await end((await spawn()).taskId);
    const other = of(newOwner());
    expect(await other.spawn({ instruction: "How many?" })).not.toHaveProperty("cached");
    expect(await other.cacheStats({})).toMatchObject({ size: 0, hits: 0 });
    expect(await other.clearCache({})).toEqual({ cleared: 0 });
    expect(await spawn()).toHaveProperty("cached", true);
  });

  test("is run anew where the call says so, and answers later ones", async () => {
    const { spawn, end } = await open();
    await end((await spawn()).taskId);
    const fresh = await spawn({ cache: false });
    await end(fresh.taskId);
    expect(await spawn()).toMatchObject({ taskId: fresh.taskId, cached: true });
  });

  test("is answered where a call asks for it, unless the configuration says never", async () => {
    const { spawn, end, tasks } = await open({});
    await end((await spawn({ cache: true })).taskId);
    expect(await spawn()).not.toHaveProperty("cached");
    expect(await spawn({ cache: true })).toHaveProperty("cached", true);
    expect(await tasks.cacheStats({})).toMatchObject({ enabled: false, ttl: 300 });
    const never = await open({ ttlSeconds: 0 });
    await never.end((await never.spawn({ cache: true })).taskId);
    expect(await never.spawn({ cache: true })).not.toHaveProperty("cached");
  });

  test("that goes on with a conversation is never answered so, nor is a program or an explicit task", async () => {
    const { spawn, end, tasks } = await open();
    const first = await spawn();
    await end(first.taskId);
    const conversation = String(first.conversation);
    const next = await spawn({ conversation });
    expect(next).not.toHaveProperty("cached");
    await end(next.taskId);
    expect(await spawn({ conversation })).not.toHaveProperty("cached");
    const explicit = {
      provider: "local",
      account_profile: "local",
      capability: "agent-runtime",
      target: { mode: "session" },
    };
    const program = { ...explicit, task_type: "command.run", input: { command: "true" } };
    await end((await tasks.dispatch(program)).taskId, { ...done, exitCode: 0 });
    expect(await tasks.dispatch(program)).not.toHaveProperty("cached");
    const agent = { ...explicit, task_type: "agent.run", input: { instruction: "How many?", framework: "echo" } };
    await end((await tasks.dispatch(agent)).taskId);
    expect(await tasks.dispatch(agent)).not.toHaveProperty("cached");
  });

  test("with an idempotency key is the task of that key, whatever else was answered since", async () => {
    const { spawn, end, advance } = await open();
    const first = await spawn({ idempotency_key: "a" });
    await end(first.taskId);
    const keyed = { idempotency_key: "b" };
    expect(await spawn(keyed)).toMatchObject({ taskId: first.taskId, cached: true });
    advance(61_000);
    expect(await spawn(keyed)).toMatchObject({ taskId: first.taskId, status: "succeeded" });
    const anew = await spawn();
    await end(anew.taskId);
    expect((await spawn({ idempotency_key: "a" })).taskId).toBe(first.taskId);
    expect((await spawn(keyed)).taskId).toBe(first.taskId);
  });
});
