import { type BenchSystem, command } from "./bench-system.ts";
import { figure, quantile } from "./figures.ts";

const ROUNDS = 300;

/** How long a caller waits for a task handle, beside a tool of the same server that does nothing. */
export async function benchHandle({ call }: BenchSystem): Promise<void> {
  const timeOf = async (work: () => Promise<unknown>) => {
    const begin = performance.now();
    await work();
    return performance.now() - begin;
  };
  const handles: number[] = [];
  const noops: number[] = [];
  // Eight tasks of half an hour hold the slots, so that the handles measured are of tasks that queue.
  const queued: unknown[] = [];
  const holders: unknown[] = [];
  for (let i = 0; i < 8; i++) holders.push((await call("dispatch_task", command("sleep 1800"))).taskId);
  // Their workers' start would be measured too.
  for (const task_id of holders)
    while ((await call("get_task_status", { task_id })).status !== "running")
      await call("wait_for_task", { task_id, timeout_seconds: 1 });
  for (let i = 0; i < ROUNDS + 30; i++) {
    const handle = await timeOf(async () => {
      queued.push((await call("dispatch_task", command("true"))).taskId);
    });
    const noop = await timeOf(() => call("list_providers"));
    if (i < 30) continue;
    handles.push(handle);
    noops.push(noop);
  }
  // Those that wait first: a slot that becomes free would let one of them begin.
  for (const task_id of [...queued.reverse(), ...holders]) await call("cancel_task", { task_id });
  for (const task_id of holders) await call("wait_for_task", { task_id });
  const how = `${ROUNDS} calls of dispatch_task and list_providers in turn, one MCP client, one connection, HTTP on loopback`;
  figure("task handle over HTTP, p50", quantile(handles, 0.5), "ms", how, "<= 5");
  figure("task handle over HTTP, p95", quantile(handles, 0.95), "ms", how, "<= 15");
  figure("no-op tool over HTTP, p50", quantile(noops, 0.5), "ms", how);
  figure("task handle / no-op tool, p50", quantile(handles, 0.5) / quantile(noops, 0.5), "x", how, "<= 3");
}
