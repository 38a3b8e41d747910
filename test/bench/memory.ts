import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { forAll } from "../fuzz.ts";
import { workersOf } from "../system/workers.ts";
import { type BenchSystem, command } from "./bench-system.ts";
import { figure } from "./figures.ts";

const JOBS = 20;
const SETTLE_MS = 2000;

/** Private memory and each process's share of what several have, in MB, of the system and its workers. */
function systemMb({ pid, stateDir }: BenchSystem): number {
  const own = [pid, ...workersOf(stateDir).map((worker) => worker.pid)];
  return own.reduce((sum, each) => sum + shareMb(each), 0);
}

/** Private memory and the share of what several processes have, in MB. */
export function shareMb(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1]) / 1024;
}

/** What a job that runs and does nothing costs the system, beyond its own process. */
export async function benchIdleJobs(system: BenchSystem): Promise<void> {
  // Every worker is there, and has run a job.
  const warm = Array.from({ length: JOBS }, (_, index) => index);
  await forAll(warm, JOBS, async () => {
    const { taskId } = await system.call("dispatch_task", command("sleep 1"));
    await system.call("wait_for_task", { task_id: taskId });
  });
  await sleep(SETTLE_MS);
  const before = systemMb(system);
  const ids: unknown[] = [];
  await forAll(
    warm,
    JOBS,
    async () => void ids.push((await system.call("dispatch_task", command("sleep 600"))).taskId),
  );
  for (const task_id of ids)
    while ((await system.call("get_task_status", { task_id })).status !== "running") await sleep(20);
  await sleep(SETTLE_MS);
  const marked = readdirSync("/proc").filter((name) => isSleeping(name, system.stateDir));
  if (marked.length !== JOBS) throw new Error(`${marked.length} processes of jobs run, not ${JOBS}`);
  const each = (systemMb(system) - before) / JOBS;
  const how = `proportional set size of the system and its workers, with ${JOBS} jobs that sleep and without`;
  figure("a job that runs and does nothing", each, "MB", how, "<= 5");
  for (const task_id of ids) await system.call("cancel_task", { task_id });
  for (const task_id of ids) await system.call("wait_for_task", { task_id });
}

function isSleeping(name: string, stateDir: string): boolean {
  if (!/^\d+$/.test(name)) return false;
  try {
    const environment = readFileSync(`/proc/${name}/environ`, "utf8");
    return environment.includes(`TMPDIR=${stateDir}/sessions/`);
  } catch {
    return false; // gone meanwhile
  }
}
