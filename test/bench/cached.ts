import { type BenchSystem, withSystem } from "./bench-system.ts";
import { figure, quantile } from "./figures.ts";

const ROUNDS = 300;
/** An agent that says at once that it is done. */
const env = { AGENTDISPATCH_FRAMEWORK_COMMAND_DONE: "sh -c 'cat >/dev/null; echo STATUS: done'" };

/** How long the same request takes that an earlier task answers. */
export const benchCached = (): Promise<void> =>
  withSystem({ prewarm: true, configuration: { cache: { ttlSeconds: 3600 } }, env }, measure);

async function measure({ call }: BenchSystem): Promise<void> {
  const request = { instruction: "How many?", framework: "done", context: { shelf: "3" } };
  const { taskId } = await call("spawn_cloud_agent", request);
  while ((await call("wait_for_task", { task_id: taskId })).status !== "succeeded");
  const [times, noops]: [number[], number[]] = [[], []];
  for (let i = 0; i < ROUNDS + 30; i++) {
    const begin = performance.now();
    const handle = await call("spawn_cloud_agent", request);
    const ms = performance.now() - begin;
    if (handle.cached !== true) throw new Error("the request was not answered by the task before it");
    const between = performance.now();
    await call("list_providers");
    if (i < 30) continue;
    times.push(ms);
    noops.push(performance.now() - between);
  }
  const how = `${ROUNDS} calls of spawn_cloud_agent that the same earlier task answers and of list_providers in turn, one MCP client, HTTP on loopback`;
  figure("an earlier answer over HTTP, p50", quantile(times, 0.5), "ms", how, "<= 5");
  figure("an earlier answer over HTTP, p95", quantile(times, 0.95), "ms", how);
  figure("an earlier answer / no-op tool, p50", quantile(times, 0.5) / quantile(noops, 0.5), "x", how);
}
