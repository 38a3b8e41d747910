import { expect, test } from "vitest";
import { jobIdOf } from "../../../lib/contract/tools/jobs/fields.ts";
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
