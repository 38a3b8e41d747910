import { expect, test } from "vitest";
import { printHandle } from "../../../lib/client/cli/handle.ts";
import type { TaskHandle } from "../../../lib/contract/tools/task-handle.ts";
import { memoryIo } from "./memory-io.ts";

const id = `task_${"a".repeat(32)}`;
const handle: TaskHandle = {
  ...{ taskId: id, status: "running", provider: "local", accountProfile: "local", capability: "agent-runtime" },
  backend: "local-process",
  poll: { statusTool: "get_task_status", logsTool: "get_task_logs", resultTool: "get_task_result" },
};

async function printed(given: TaskHandle): Promise<{ out: string; err: string }> {
  const io = memoryIo();
  expect(await printHandle(io, { stateDir: "here" }, given)).toBe(0);
  return { out: io.out(), err: io.err() };
}

test("of a task that is left, its output is what comes next", async () => {
  const { out, err } = await printed(handle);
  expect(out).toBe(`${id}\n`);
  expect(err).toMatch(new RegExp(`logs ${id} --state-dir here --follow shows what it does`));
});

test("of an earlier task that answers the call, its result", async () => {
  const { out, err } = await printed({ ...handle, status: "succeeded", cached: true });
  expect(out).toBe(`${id}\n`);
  expect(err).toMatch(
    new RegExp(`answered by an earlier task, which .*result ${id} --state-dir here shows; --no-cache runs it anew`),
  );
});
