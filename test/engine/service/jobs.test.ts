import { expect, test } from "vitest";
import { jobIdOf } from "../../../lib/contract/tools/jobs/fields.ts";
import { dispatchDialogueOf, dispatchToMany } from "../../../lib/engine/jobs/dispatching.ts";
import { TaskService } from "../../../lib/engine/service.ts";
import { makeTask } from "../../contract/make-task.ts";
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

test("several agents have the limits of the defaults together, wherever the one among them stands that has others", async () => {
  const agent = { backend: "bounded", framework: "echo" };
  const ports = openPorts({
    configuration: {
      accounts: { mine: { provider: "local", credentialSource: "none" } },
      // A profile may have the name of a backend, and the whole is in neither.
      backends: { bounded: { adapter: "local-process", account: "mine" } },
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
