import { expect, test } from "vitest";
import { jobIdOf } from "../../../lib/contract/tools/jobs/fields.ts";
import { dispatchDialogueOf, dispatchToMany } from "../../../lib/engine/jobs/dispatching.ts";
import type { Ports } from "../../../lib/engine/ports.ts";
import { TaskService } from "../../../lib/engine/service.ts";
import { makeTask, type TaskFields } from "../../contract/make-task.ts";
import { openPorts } from "../../mcp/ports.ts";

test("a job that is made of a thousand is listed, and what was before it too", async () => {
  const ports = openPorts();
  const at = (second: number) => new Date(Date.UTC(2026, 10, 21) + second * 1000).toISOString();
  const one = { owner: "me", taskType: "agent.run", status: "running" } as const;
  const [before, whole] = [makeTask({ ...one, createdAt: at(0) }), makeTask({ ...one, createdAt: at(1) })];
  const part = { ...one, parent: whole.id, root: whole.id, depth: 1 };
  const parts = Array.from({ length: 1000 }, (_, position) =>
    makeTask({ ...part, position, createdAt: at(2 + position) }),
  );
  await Promise.all([before, whole, ...parts].map((task) => ports.store.create(task)));
  const { items } = await new TaskService(ports, "me").jobs.dispatchJobs({});
  expect(items.map(({ id }) => id)).toEqual([whole, before].map(({ id }) => jobIdOf(id)));
});

/** All jobs, page by page. */
async function listed(ports: Ports, limit: number): Promise<string[]> {
  const { jobs } = new TaskService(ports, "me");
  const ids: string[] = [];
  for (let next: { cursor?: string } | undefined = {}; next; ) {
    const { items, cursor } = await jobs.dispatchJobs({ limit, ...next });
    ids.push(...items.map(({ id }) => id));
    next = cursor === undefined ? undefined : { cursor };
  }
  return ids;
}

const minute = (at: number) => new Date(Date.UTC(2026, 10, 21) + at * 60_000).toISOString();

test.each([1, 2, 4])(
  "the agent of a task sees each of its jobs once among those of others, in pages of %i",
  async (limit) => {
    const ports = openPorts();
    const made = async (at: number, fields: TaskFields) => {
      const task = makeTask({ owner: "me", taskType: "agent.run", createdAt: minute(at), ...fields });
      await ports.store.create(task);
      return task;
    };
    const { id: root } = await made(0, {});
    const own: string[] = [];
    for (let at = 1; at <= 60; at++) {
      const isOwn = at % 12 === 0;
      const { id } = await made(at, isOwn ? { parent: root, root, depth: 1 } : {});
      if (isOwn) own.unshift(jobIdOf(id));
    }
    expect(await listed({ ...ports, within: root }, limit)).toEqual(own);
  },
);

test("a job that begins while jobs are listed neither repeats nor hides another", async () => {
  const ports = openPorts();
  const one = { owner: "me", taskType: "agent.run" } as const;
  const tasks = Array.from({ length: 10 }, (_, at) => makeTask({ ...one, createdAt: minute(at) }));
  for (const task of tasks) await ports.store.create(task);
  let asked = 0;
  const store = Object.assign(Object.create(ports.store) as typeof ports.store, {
    list: async (...given: Parameters<typeof ports.store.list>) => {
      const page = await ports.store.list(...given);
      if (asked++ === 0) await ports.store.create(makeTask({ ...one, createdAt: minute(60) }));
      return page;
    },
  });
  const known = new Set(tasks.map(({ id }) => jobIdOf(id)));
  const seen = (await listed({ ...ports, store }, 3)).filter((id) => known.has(id));
  expect(seen).toEqual([...known].toReversed());
});

test("several agents have the limits of the defaults together, wherever the one among them stands that has others", async () => {
  const agent = { backend: "here", framework: "echo" };
  const ports = openPorts({
    configuration: {
      accounts: { mine: { provider: "local", credentialSource: "none" } },
      backends: { here: { adapter: "local-process", account: "mine" } },
      runtimes: { free: agent, bounded: { ...agent, limits: { maxDepth: 0, maxChildren: 2, treeTimeoutSeconds: 60 } } },
    },
  });
  const agents = ["free", "free", "free", "bounded"];
  for (const order of [agents, agents.toReversed()]) {
    const dispatches = order.map((name, at) => ({ agent: name, task: `say ${at}` }));
    const { taskId } = await dispatchToMany(ports, "me", { dispatches, max_parallel: 8 });
    const whole = await ports.store.get(taskId);
    expect(whole).toMatchObject({ status: "running", accountProfile: "mine", limits: { timeoutSeconds: 604_800 } });
    const parts = await ports.store.listChildren(taskId, 10);
    const profiles = await Promise.all(parts.map(async ({ taskId: id }) => (await ports.store.get(id))?.profile));
    // The one that may stand below nobody is refused, and it alone.
    expect(profiles.sort()).toEqual(["free", "free", "free"]);
  }
  const talk = { requester: "free", responder: "bounded", topic: "which?", max_rounds: 5 };
  const { taskId } = await dispatchDialogueOf(ports, "me", talk);
  expect(await ports.store.get(taskId)).toMatchObject({ accountProfile: "mine", limits: { maxDepth: 3 } });
});
