import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchSystem, command } from "./bench-system.ts";
import { figure, quantile } from "./figures.ts";

const ROUNDS = 25;

/** From the call that dispatches `true` until a client that waits holds its result. */
export async function benchCommand({ call }: BenchSystem, prewarmed: boolean): Promise<void> {
  const samples: number[] = [];
  for (let i = 0; i < ROUNDS + 3; i++) {
    // Long enough for the next worker to be ready, where one is prewarmed, and for the last one to be gone.
    await sleep(600);
    const begin = performance.now();
    const { taskId } = await call("dispatch_task", command("true"));
    const record = await call("wait_for_task", { task_id: taskId });
    const elapsed = performance.now() - begin;
    if (record.status !== "succeeded")
      throw new Error(`the job ended ${record.status}: ${JSON.stringify(record.error)}`);
    if (i >= 3) samples.push(elapsed);
  }
  const with_ = prewarmed ? "with a prewarmed worker" : "without a prewarmed worker";
  const how = `${ROUNDS} rounds of dispatch_task, then wait_for_task, from a second process; the system is idle between them`;
  figure(`command.run true ${with_}, p50`, quantile(samples, 0.5), "ms", how, prewarmed ? "<= 60" : "<= 250");
  figure(`command.run true ${with_}, p95`, quantile(samples, 0.95), "ms", how);
}

/** The bare program, started by Node, to compare with. */
export async function benchBare(): Promise<void> {
  const samples: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const begin = performance.now();
    await once(spawn("true"), "close");
    samples.push(performance.now() - begin);
  }
  figure("bare true started by Node, p50", quantile(samples, 0.5), "ms", `${ROUNDS} spawns until close`);
}
