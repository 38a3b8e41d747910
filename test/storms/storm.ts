import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Json } from "../../lib/contract/task.ts";
import { openTaskStore } from "../../lib/store/sqlite/task-store.ts";
import { type FaultName, faultNames, strike, type Victims } from "./faults.ts";
import { makeJobs, type StormJob } from "./jobs.ts";
import { Machine, Refused } from "./machine.ts";
import { processesOf, signal } from "./processes.ts";
import { Chance } from "./random.ts";
import { type Ended, endOf, judge, readLedger } from "./verdict.ts";

export type StormOptions = {
  seed: number;
  jobs: number;
  faults: number;
  /** Whether state and ledger stay, to be looked at. */
  keep?: boolean;
  /** Told what happens. */
  tell?: (line: string) => void;
};
export type StormReport = {
  faults: Record<string, number>;
  ends: Record<string, number>;
  neverBegan: number;
  broken: string[];
};

const LANES = 4;
/** So long after the last fault everything must have ended; on a machine that does nothing else it takes seconds. */
const SETTLE_MS = 240_000;

/**
 * Dispatches jobs to a local system while one fault after the other strikes it, and says what of the promises was broken: a
 * job that ran twice, a task without an end, an end that is not true, a process or a slot that is left. The same seed makes the
 * same jobs and faults; what they meet is up to the machine.
 */
export async function storm({
  seed,
  jobs: count,
  faults: strikes,
  keep = false,
  tell = () => {},
}: StormOptions): Promise<StormReport> {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-storm-"));
  const stateDir = mkdtempSync(join(folder, "state-"));
  const ledger = join(folder, "ledger");
  writeFileSync(ledger, "");
  const chance = new Chance(seed);
  const jobs = makeJobs(count, ledger, chance);
  const plan = Array.from({ length: strikes }, () => chance.pick(faultNames) as FaultName);
  const machine = new Machine(stateDir, { maxRunning: 6, graceSeconds: 1 });
  try {
    await machine.isUp();
    const giveUp = AbortSignal.timeout(strikes * 5000 + SETTLE_MS);
    const victims: Victims = { workers: new Set(), jobs: new Set() };
    const clients = follow(machine, jobs, new Chance(seed + 1), giveUp);
    for (const name of plan) {
      await sleep(chance.between(20, 900));
      tell(name);
      await strike(name, machine, chance, victims);
    }
    tell("calm");
    const all = await clients;
    const ended = all.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const lines = readLedger(readFileSync(ledger, "utf8"));
    const broken = all.flatMap((each) =>
      each.status === "fulfilled" ? judge(each.value, lines, victims) : [String(each.reason)],
    );
    broken.push(...(await leftBehind(machine, ended, giveUp)));
    return {
      faults: tally(plan),
      ends: tally(ended.map(endOf)),
      neverBegan: ended.filter(({ job, wasCancelled }) => !lines.has(`${job.key} began`) && !wasCancelled).length,
      broken,
    };
  } finally {
    await machine.stop();
    for (const { pid } of processesOf(stateDir, undefined)) signal(pid, "SIGKILL");
    if (keep) tell(`kept in ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

/** Clients that dispatch the jobs, some of them cancelled soon, and follow each to its end. */
async function follow(
  machine: Machine,
  jobs: StormJob[],
  chance: Chance,
  giveUp: AbortSignal,
): Promise<PromiseSettledResult<Ended>[]> {
  const waiting = jobs.values();
  const following: Promise<Ended>[] = [];
  const lane = async () => {
    for (const job of waiting) {
      following.push(followOne(machine, job, giveUp));
      await sleep(chance.between(0, 1200));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return Promise.allSettled(following);
}

async function followOne(machine: Machine, job: StormJob, giveUp: AbortSignal): Promise<Ended> {
  const call = (tool: string, input: Json) => machine.call(tool, input, giveUp);
  const dispatch = () =>
    call("dispatch_task", {
      provider: "local",
      account_profile: "local",
      capability: "agent-runtime",
      task_type: "command.run",
      target: { mode: "session" },
      input: { command: job.script, shell: true },
      idempotency_key: job.key,
    });
  const handles = await Promise.all(Array.from({ length: job.requests }, dispatch));
  const task_id = handles[0]?.taskId as string;
  if (job.cancelAfterMs !== undefined) {
    await sleep(job.cancelAfterMs);
    await call("cancel_task", { task_id }).catch((error) => {
      if (!(error instanceof Refused && error.code === "task.terminal")) throw error;
    });
  }
  let record: Json = { timedOutWaiting: true };
  while (record.timedOutWaiting) {
    if (giveUp.aborted) throw new Error(`${job.key} has no end: ${JSON.stringify(record)}`);
    record = await call("wait_for_task", { task_id, timeout_seconds: 10 });
  }
  // A client that lost its receipt asks again, however late.
  for (const { taskId } of [...handles, await dispatch()])
    if (taskId !== task_id) throw new Error(`${job.key} became two tasks: ${task_id} and ${taskId}`);
  const result = await call("get_task_result", { task_id });
  const log = String((await call("get_task_logs", { task_id })).data);
  return { job, taskId: task_id, wasCancelled: job.cancelAfterMs !== undefined, record, result, log };
}

/** What is still there although everything has ended. */
async function leftBehind(machine: Machine, ended: Ended[], giveUp: AbortSignal): Promise<string[]> {
  const broken: string[] = [];
  const store = openTaskStore(machine.stateDir);
  try {
    for (let open = await store.listDue(Number.MAX_SAFE_INTEGER, 1000); open.length > 0; ) {
      if (giveUp.aborted) return [`tasks are still open: ${open}`];
      await sleep(200);
      open = await store.listDue(Number.MAX_SAFE_INTEGER, 1000);
    }
    await machine.stop();
    const { items } = await store.list("local", { limit: 10_000 });
    const known = new Set(ended.map(({ taskId }) => taskId));
    for (const { id } of items) if (!known.has(id)) broken.push(`nobody has a handle of ${id}`);
    if (items.length !== known.size) broken.push(`there are ${items.length} tasks, not ${known.size}`);
    const slots = (await store.listSlots("local")).running;
    if (slots.length > 0) broken.push(`slots are still taken: ${slots}`);
    const queued = await store.listQueue("local", 100);
    if (queued.length > 0) broken.push(`entries are still queued: ${JSON.stringify(queued)}`);
  } finally {
    store.close();
  }
  const left = machine.processes();
  if (left.length > 0) broken.push(`processes are left: ${JSON.stringify(left)}`);
  return broken;
}

function tally(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
