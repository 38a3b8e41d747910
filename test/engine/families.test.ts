/** Tasks that dispatch tasks: whose slot they use, and what a cancel of one does to the others, whoever dies in between. */
import { describe, expect, it } from "vitest";
import { chooseProfile, route } from "../../lib/config/routing.ts";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import { isTerminal, type Status } from "../../lib/contract/lifecycle.ts";
import { isSettled, type Task } from "../../lib/contract/task.ts";
import { admit } from "../../lib/engine/admission/admission.ts";
import { cancelTask } from "../../lib/engine/cancellation.ts";
import { dispatch } from "../../lib/engine/dispatch.ts";
import type { Ports } from "../../lib/engine/ports.ts";
import { recoverDue } from "../../lib/engine/recovery.ts";
import { steps } from "../../lib/engine/steps/index.ts";
import type { Slots } from "../../lib/store/port.ts";
import { moved } from "../contract/make-task.ts";
import { damageTask } from "../fixtures/damage-task.ts";
import { mortalPorts } from "../fixtures/mortal-ports.ts";
import { idleAdapter, openPorts } from "../mcp/ports.ts";

const OWNER = "local";
const nobody: Slots = { running: [], byProfile: {} };

type ConfiguredLimits = NonNullable<NonNullable<ConfigurationInput["defaults"]>["limits"]>;
/** What a task has dispatched goes on without it. */
const orphansGoOn = { orphans: "keep" } as const;

type Asked = { parent?: string | undefined; runtime?: string };

/** A control plane with these limits, whose tasks run when the test says so. */
function plane(maxRunning: number, profiles: Record<string, number> = {}, more: ConfiguredLimits = {}) {
  let aheadMs = 0;
  const runtimes = Object.entries(profiles).map(([name, most]) => [name, { limits: { maxRunning: most } }] as const);
  const ports = openPorts({
    now: () => Date.now() + aheadMs,
    configuration: {
      accounts: { local: { provider: "local", credentialSource: "none" } },
      backends: { here: { adapter: "local-process", account: "local" } },
      runtimes: Object.fromEntries(
        [["local", {}] as const, ...runtimes].map(([name, more]) => [name, { backend: "here", ...more }]),
      ),
      defaults: { runtime: "local", limits: { maxRunning, ...more } },
    },
  });
  const { store } = ports;
  const ids: string[] = [];
  let asked = 0;
  const read = (id: string) => store.get(id) as Promise<Task>;
  const move = (id: string, ...path: Status[]) =>
    store.change(id, (task) => path.reduce((now, status) => moved(now, status, ports.now()), task));

  return {
    ports,
    ids,
    read,
    move,
    advance: (ms: number) => {
      aheadMs += ms;
    },
    async spawn({ parent, runtime }: Asked = {}, by: Ports = ports): Promise<string> {
      const metadata = parent === undefined ? {} : { metadata: { parentTaskId: parent } };
      const profile = chooseProfile(ports.configuration(), runtime);
      const request = { taskType: "command.run", mode: "session", ...metadata };
      const to = route(ports.configuration(), ports.backends, request, profile);
      // None asks for what another was asked for.
      const input = { command: "true", args: [String(asked++)] };
      const plan = { route: to, input, envField: "input.env", call: {} } as const;
      const { taskId } = await dispatch(by, OWNER, plan, {});
      ids.push(taskId);
      return taskId;
    },
    run: (id: string) => move(id, "starting", "running"),
    end: (id: string) => move(id, "completing", "succeeded"),
    clean: async (id: string, by: Ports = ports) => steps.Cleanup(by, { id, n: (await read(id)).executionNumber }),
    statuses: async (...some: string[]) => (await Promise.all(some.map(read))).map(({ status }) => status),
    slots: () => store.listSlots(OWNER),
    /** What the janitor does, and the executions that it starts, for as long as there is anything to do. */
    async recover() {
      for (let round = 0; round < 3; round++) {
        aheadMs += 20 * 60_000;
        await recoverDue(ports);
        for (const { taskId } of await everyTask()) {
          const task = await read(taskId);
          if (isTerminal(task.status) && !isSettled(task))
            await steps.Cleanup(ports, { id: taskId, n: task.executionNumber });
        }
      }
    },
    everyTask,
  };
  async function everyTask() {
    const { items } = await store.list(OWNER, { limit: 100 });
    return items.map(({ id, status, parent }) => ({ taskId: id, status, parent }));
  }
}

const most = 40;

/** Runs a scenario with a process that dies after its first write, then with one that dies after its second, and so on. */
async function dyingEverywhere(scenario: (by: (ports: Ports) => Ports) => Promise<void>): Promise<void> {
  for (let dies = 1; dies < most; dies++) {
    let died = { yet: false };
    await scenario((ports) => {
      const mortal = mortalPorts(ports, { dies });
      died = mortal.died;
      return mortal;
    });
    if (!died.yet) return expect(dies).toBeGreaterThan(3);
  }
  throw new Error("the scenario does not come to an end");
}

describe("a child, once its owner's slots are full", () => {
  it("begins in its parent's slot, and gives it back; a stranger waits until both are done", async () => {
    const { ports, spawn, run, end, clean, slots, statuses } = plane(1);
    const parent = await spawn();
    const stranger = await spawn();
    await run(parent);
    const child = await spawn({ parent });
    expect(await statuses(stranger, child)).toEqual(["queued", "provisioning"]);
    expect((await slots()).running).toEqual([child]);
    await run(child);
    await end(child);
    await clean(child);
    expect((await slots()).running).toEqual([parent]);
    await end(parent);
    await clean(parent);
    expect((await slots()).running).toEqual([stranger]);
    expect(await ports.store.listChildren(parent, 10)).toEqual([]);
  });

  it("holds at every depth, and the slot comes back through all", async () => {
    const { spawn, run, end, clean, slots } = plane(1);
    const line = [await spawn()];
    for (let depth = 1; depth <= 3; depth++) {
      await run(line.at(-1) ?? "");
      line.push(await spawn({ parent: line.at(-1) }));
      expect((await slots()).running).toEqual([line.at(-1)]);
    }
    await run(line.at(-1) ?? "");
    for (const id of line.toReversed()) {
      expect((await slots()).running).toEqual([id]);
      await end(id);
      await clean(id);
    }
    expect(await slots()).toEqual(nobody);
  });

  it("waits for its sisters, the oldest first, also for those of an ended parent", async () => {
    const { spawn, run, end, clean, slots, statuses } = plane(1, {}, orphansGoOn);
    const top = await spawn();
    await run(top);
    const parent = await spawn({ parent: top });
    await run(parent);
    const [first = "", second = "", third = ""] = [
      await spawn({ parent }),
      await spawn({ parent }),
      await spawn({ parent }),
    ];
    expect(await statuses(first, second, third)).toEqual(["provisioning", "queued", "queued"]);
    await run(first);
    await end(first);
    await clean(first);
    expect(await statuses(second, third)).toEqual(["provisioning", "queued"]);
    await end(parent);
    await clean(parent);
    await run(second);
    await end(second);
    await clean(second);
    // The nearest that runs is now two levels above.
    expect(await statuses(third)).toEqual(["provisioning"]);
    await run(third);
    await end(third);
    await clean(third);
    expect((await slots()).running).toEqual([top]);
  });

  it("leaves the room of its parent's profile to the parent, and finds that of its own above", async () => {
    const { spawn, run, slots, statuses } = plane(2, { x: 1, y: 1 });
    const top = await spawn({ runtime: "x" });
    await run(top);
    const middle = await spawn({ parent: top, runtime: "y" });
    await run(middle);
    const stranger = await spawn({ runtime: "y" });
    const bottom = await spawn({ parent: middle, runtime: "x" });
    expect(await statuses(middle, stranger, bottom)).toEqual(["running", "queued", "provisioning"]);
    expect((await slots()).byProfile).toEqual({ x: [bottom], y: [middle] });
  });

  it("is not forgotten when whoever ended in its family died before it could begin", async () => {
    const { ports, spawn, run, end, clean, advance, statuses } = plane(1);
    const parent = await spawn();
    await run(parent);
    const [first = "", second = ""] = [await spawn({ parent }), await spawn({ parent })];
    await run(first);
    await end(first);
    // It dies as soon as the slot is back with the parent.
    const mortal = mortalPorts(ports, { dies: 2 });
    await clean(first, mortal).catch(() => {});
    expect(mortal.died.yet).toBe(true);
    expect(await statuses(second)).toEqual(["queued"]);
    advance(120_000);
    await recoverDue(ports);
    expect(await statuses(second)).toEqual(["provisioning"]);
  });
});

describe("a slot of a family", () => {
  it("is neither lost nor doubled when whoever dispatches the child dies", () =>
    dyingEverywhere(async (mortal) => {
      const { ports, spawn, run, end, clean, recover, slots, everyTask, read } = plane(1);
      const parent = await spawn();
      await run(parent);
      const child = await spawn({ parent }, mortal(ports)).catch(() => undefined);
      await recover();
      expect((await slots()).running).toHaveLength(1);
      const made = (await everyTask()).find((task) => task.parent === parent)?.taskId;
      if (child !== undefined) expect(made).toBe(child);
      if (made === undefined) return;
      expect((await slots()).running).toEqual([made]);
      expect(await read(made)).toMatchObject({ status: "provisioning", obligations: { slot: "local" } });
      await run(made);
      for (const id of [made, parent]) {
        await end(id);
        await clean(id);
      }
      expect(await slots()).toEqual(nobody);
    }));

  it.each(["child", "parent"])("is neither lost nor doubled when the clean-up of the %s dies", (who) =>
    dyingEverywhere(async (mortal) => {
      const { ports, spawn, run, end, clean, recover, slots, read } = plane(1, {}, orphansGoOn);
      const parent = await spawn();
      await run(parent);
      const child = await spawn({ parent });
      await run(child);
      const [first, last] = who === "child" ? [child, parent] : [parent, child];
      await end(first);
      await clean(first, mortal(ports)).catch(() => {});
      await recover();
      expect((await slots()).running).toEqual([last]);
      expect(isSettled(await read(first))).toBe(true);
      await end(last);
      await clean(last);
      expect(await slots()).toEqual(nobody);
    }),
  );

  it.each([
    ["child", "parent"],
    ["parent", "child"],
  ])("is not left with the dead when the %s and the %s end at once", async (slow, fast) => {
    for (let call = 1; call < most; call++) {
      const { ports, spawn, run, end, clean, slots, read } = plane(1, {}, orphansGoOn);
      const parent = await spawn();
      await run(parent);
      const child = await spawn({ parent });
      await run(child);
      const ids: Record<string, string> = { parent, child };
      let calls = 0;
      const meanwhile = async () => {
        if (++calls !== call) return;
        await end(ids[fast] ?? "");
        await clean(ids[fast] ?? "");
      };
      await end(ids[slow] ?? "");
      await clean(ids[slow] ?? "", mortalPorts(ports, { before: meanwhile }));
      if (calls < call) return expect(call).toBeGreaterThan(5);
      expect(await slots()).toEqual(nobody);
      for (const id of [parent, child]) expect(isSettled(await read(id))).toBe(true);
    }
    throw new Error("the clean-up does not come to an end");
  });

  it("stays with a task that another process lets begin, and that may have ended, at any moment meanwhile", async () => {
    for (const ending of [false, true]) {
      for (let call = 1; call < most; call++) {
        const { ports, spawn, run, end, clean, slots, read, move } = plane(1);
        const first = await spawn();
        const second = await spawn();
        await move(first, "failed");
        await ports.store.releaseSlot(OWNER, { taskId: first, profile: "local" });
        let calls = 0;
        const meanwhile = async () => {
          if (++calls !== call) return;
          await admit(ports, OWNER);
          if ((await read(second)).status !== "provisioning" || !ending) return;
          await run(second);
          await end(second);
          await clean(second);
        };
        await admit(mortalPorts(ports, { before: meanwhile }), OWNER);
        if (calls < call) {
          expect(call).toBeGreaterThan(5);
          break;
        }
        const { status, obligations } = await read(second);
        if (status === "provisioning") expect(obligations).toEqual({ slot: "local" });
        expect((await slots()).running).toEqual(status === "provisioning" ? [second] : []);
        expect(ports.starts.filter((name) => name.startsWith(second))).toEqual([`${second}-1`]);
      }
    }
  });
});

describe("a task whose record is damaged", () => {
  it("and that waits is passed over, and the one that ends is paid for", async () => {
    const { ports, spawn, run, end, clean, slots, statuses, read, advance } = plane(1);
    const first = await spawn();
    await run(first);
    const damaged = await spawn();
    // Those of one millisecond are in no particular order.
    advance(1);
    const next = await spawn();
    damageTask(ports.folder, damaged);
    await end(first);
    await clean(first);
    expect(isSettled(await read(first))).toBe(true);
    expect(await statuses(next)).toEqual(["provisioning"]);
    expect((await slots()).running).toEqual([next]);
    expect(await ports.store.listQueue(OWNER, 10)).toEqual([]);
  });

  it("holds no slot while somebody waits", async () => {
    const { ports, spawn, run, advance, slots } = plane(1);
    const damaged = await spawn();
    await run(damaged);
    const next = await spawn();
    damageTask(ports.folder, damaged);
    advance(120_000);
    await recoverDue(ports);
    expect((await slots()).running).toEqual([next]);
  });

  it("has its slot used by whoever comes when a child gives it back", async () => {
    const { ports, spawn, run, end, clean, slots, read } = plane(1);
    const parent = await spawn();
    await run(parent);
    const stranger = await spawn();
    const child = await spawn({ parent });
    await run(child);
    damageTask(ports.folder, parent);
    await end(child);
    await clean(child);
    expect(isSettled(await read(child))).toBe(true);
    expect((await slots()).running).toEqual([stranger]);
  });

  it("is passed over by a cancel, which reaches those beside and below it", async () => {
    const { ports, spawn, run, move, clean, statuses, read } = plane(8);
    const parent = await spawn();
    await run(parent);
    const damaged = await spawn({ parent });
    await run(damaged);
    const others = [await spawn({ parent: damaged }), await spawn({ parent })];
    for (const id of others) await run(id);
    damageTask(ports.folder, damaged);
    expect(await cancelTask(ports, { id: parent })).toMatchObject({ status: "cancelling" });
    expect(await statuses(...others)).toEqual(["cancelling", "cancelling"]);
    for (const id of [parent, ...others]) {
      await move(id, "cancelled");
      await clean(id);
      expect(isSettled(await read(id))).toBe(true);
    }
  });
});

describe("the clean-up of a task", () => {
  /** One that has ended and owes all that there is, and what is made of it. */
  async function owing() {
    const known = plane(1);
    const { ports, spawn, move } = known;
    const id = await spawn();
    const undone: string[] = [];
    const backend = idleAdapter({
      stop: async () => void undone.push("session"),
      deleteRuntime: async () => undone.push("runtime") > 0,
    });
    await known.run(id);
    const child = await spawn({ parent: id });
    await ports.store.change(id, (task) => ({
      ...task,
      session: { id: "s", state: "open", inFlight: {} },
      obligations: { ...task.obligations, session: "s", runtime: "r", children: "cancel" },
    }));
    await move(id, "cancelling", "cancelled");
    return { ...known, id, child, undone, own: { ...ports, backends: { "local-process": backend } } };
  }

  it("ends its session before it looks at what it dispatched, whatever comes of that", async () => {
    const { own, id, clean, undone } = await owing();
    const store = new Proxy(own.store, {
      get: (target, name) =>
        name === "listChildren" ? () => Promise.reject(new Error("of a child")) : Reflect.get(target, name),
    });
    await expect(clean(id, { ...own, store })).rejects.toThrow("of a child");
    expect(undone).toEqual(["session"]);
  });

  it("cancels what it dispatched although its session cannot be ended", async () => {
    const { own, id, child, clean, statuses } = await owing();
    const backend = idleAdapter({ stop: () => Promise.reject(new Error("of the platform")) });
    await expect(clean(id, { ...own, backends: { "local-process": backend } })).rejects.toThrow("of the platform");
    expect(await statuses(child)).toEqual(["cancelling"]);
  });

  it("goes on another time with what is below it, and keeps its slot until then", async () => {
    const { own, id, child, clean, undone, read, statuses } = await owing();
    let aheadMs = 0;
    const slow = { ...own, steady: () => (aheadMs += 60_000) };
    expect(await clean(id, slow)).toMatchObject({ again: true });
    expect(undone).toEqual(["session"]);
    expect((await read(id)).obligations).toMatchObject({ slot: "local", children: "cancel" });
    expect(await clean(id, own)).toMatchObject({ again: false });
    expect(isSettled(await read(id))).toBe(true);
    expect(await statuses(child)).toEqual(["cancelling"]);
  });

  it("deletes its runtime although somebody else cannot begin", async () => {
    const { own, id, spawn, clean, undone, read } = await owing();
    const stranger = await spawn();
    const store = new Proxy(own.store, {
      get: (target, name) => {
        if (name !== "dequeue") return Reflect.get(target, name);
        return (entry: { taskId: string }) =>
          entry.taskId === stranger ? Promise.reject(new Error("of a stranger")) : own.store.dequeue(entry as never);
      },
    });
    await own.store.change(id, ({ obligations: { children: _, ...obligations }, ...task }) => ({
      ...task,
      obligations,
    }));
    for (const { taskId } of await own.store.listChildren(id, 10)) await cancelTask(own, { id: taskId });
    for (const child of (await own.store.listSlots(OWNER)).running)
      await own.store.releaseSlot(OWNER, { taskId: child, profile: "local" });
    await clean(id, { ...own, store });
    expect(undone).toEqual(["session", "runtime"]);
    expect(isSettled(await read(id))).toBe(true);
    expect(own.logged.join()).toContain("of a stranger");
  });
});

describe("a cancel", () => {
  it("tells workers for as long as it has time, and leaves the others to who polls them", async () => {
    const { ports, spawn, run, statuses } = plane(40);
    const parent = await spawn();
    await run(parent);
    const children: string[] = [];
    for (let child = 0; child < 20; child++) {
      const id = await spawn({ parent });
      children.push(id);
      await run(id);
      await ports.store.change(id, (task) => ({
        ...task,
        session: { id, state: "open", inFlight: {}, bootId: "b", startAttemptedAtMs: 1 },
      }));
    }
    let nowMs = 0;
    let told = 0;
    const backend = idleAdapter({
      async invoke(_task, _operation, { timeoutMs }) {
        told++;
        nowMs += timeoutMs;
        throw new Error("nobody answers");
      },
    });
    await cancelTask({ ...ports, steady: () => nowMs, backends: { "local-process": backend } }, { id: parent });
    expect(new Set(await statuses(...children))).toEqual(new Set(["cancelling"]));
    expect(told).toBeGreaterThan(0);
    expect(told).toBeLessThanOrEqual(9);
  });

  /** A running parent with a running child, that with one of its own, one in the parent's slot, and a queued one. */
  async function family(maxRunning = 3) {
    const known = plane(maxRunning);
    const { spawn, run } = known;
    const parent = await spawn();
    await run(parent);
    const child = await spawn({ parent });
    await run(child);
    const grandchild = await spawn({ parent: child });
    await run(grandchild);
    const running = [child, grandchild, await spawn({ parent })];
    const queued = await spawn({ parent });
    return { ...known, parent, child, grandchild, running, queued };
  }

  it("reaches everything below the task, and nothing else", async () => {
    const { ports, parent, running, queued, spawn, statuses, read, clean, slots, move } = await family();
    const stranger = await spawn();
    const later = await spawn({ parent: running[1] });
    expect(await statuses(...running, queued)).toEqual(["running", "running", "provisioning", "queued"]);
    expect(await statuses(stranger, later)).toEqual(["queued", "provisioning"]);
    running.push(later);
    await cancelTask(ports, { id: parent });
    expect(await statuses(parent, ...running)).toEqual(Array.from({ length: 5 }, () => "cancelling"));
    expect(await statuses(queued, stranger)).toEqual(["cancelled", "queued"]);
    expect((await ports.store.listQueue(OWNER, 10)).map(({ taskId }) => taskId)).toEqual([stranger]);
    await expect(spawn({ parent })).rejects.toMatchObject({ code: "task.terminal" });
    await expect(spawn({ parent: running[0] })).rejects.toMatchObject({ code: "task.terminal" });
    for (const id of [...running, parent]) {
      await move(id, "cancelled");
      await clean(id);
      expect(isSettled(await read(id))).toBe(true);
    }
    expect((await slots()).running).toEqual([stranger]);
    expect(await ports.store.listChildren(parent, 10)).toEqual([]);
  });

  it("spares what is below where it is told to, and takes that too when it is said again", async () => {
    const { ports, parent, running, queued, spawn, statuses } = await family();
    await cancelTask(ports, { id: parent }, { cascade: false });
    expect(await statuses(parent, ...running)).toEqual(["cancelling", "running", "running", "provisioning"]);
    expect(await statuses(queued, await spawn({ parent }))).toEqual(["queued", "queued"]);
    await cancelTask(ports, { id: parent });
    expect(await statuses(...running, queued)).toEqual(["cancelling", "cancelling", "cancelling", "cancelled"]);
  });

  it("goes past one that has ended to what that has left running", async () => {
    const { ports, parent, child, grandchild, end, clean, statuses, move } = await family();
    await end(child);
    await clean(child);
    await cancelTask(ports, { id: parent });
    expect(await statuses(child, grandchild)).toEqual(["succeeded", "cancelling"]);
    await move(grandchild, "cancelled");
    await clean(grandchild);
    expect((await ports.store.listChildren(parent, 10)).map(({ taskId }) => taskId)).not.toContain(child);
  });

  it("is finished by the clean-up of the task when whoever cancels dies", () =>
    dyingEverywhere(async (mortal) => {
      const { ports, parent, running, queued, move, recover, statuses, read, slots, clean } = await family();
      await cancelTask(mortal(ports), { id: parent }).catch(() => {});
      expect(await statuses(parent)).toEqual(["cancelling"]);
      await move(parent, "cancelled");
      await recover();
      expect(await statuses(...running, queued)).toEqual(["cancelling", "cancelling", "cancelling", "cancelled"]);
      for (const id of running) {
        await move(id, "cancelled");
        await clean(id);
      }
      for (const id of [parent, ...running, queued]) expect(isSettled(await read(id))).toBe(true);
      expect(await slots()).toEqual(nobody);
    }));

  it("of a queued task is finished by the janitor when whoever cancels dies", () =>
    dyingEverywhere(async (mortal) => {
      const { ports, spawn, recover, statuses, read } = plane(1);
      await spawn();
      const parent = await spawn();
      const child = await spawn({ parent });
      await cancelTask(mortal(ports), { id: parent }).catch(() => {});
      await recover();
      expect(await statuses(parent, child)).toEqual(["cancelled", "cancelled"]);
      for (const id of [parent, child]) expect(isSettled(await read(id))).toBe(true);
    }));

  it("lets nothing begin that is dispatched at any moment meanwhile", async () => {
    for (let call = 1; call < most; call++) {
      const { ports, parent, spawn, everyTask, move, clean } = await family(8);
      let calls = 0;
      const by = mortalPorts(ports, {
        before: () => (++calls === call ? cancelTask(ports, { id: parent }) : undefined),
      });
      await spawn({ parent }, by).catch(() => {});
      if (calls < call) return expect(call).toBeGreaterThan(5);
      await move(parent, "cancelled");
      await clean(parent);
      for (const { status } of await everyTask()) expect(["cancelling", "cancelled"]).toContain(status);
    }
    throw new Error("the dispatch does not come to an end");
  });
});
