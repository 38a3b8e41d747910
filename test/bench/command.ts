import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { forAll } from "../fuzz.ts";
import type { BenchSystem } from "./bench-system.ts";
import { type Peer, withPeer } from "./beside.ts";
import { figure, quantile } from "./figures.ts";
import { kinds, plain } from "./jobs.ts";

const ROUNDS = 40;
const WARM_UP = 10;
const AT_ONCE = 40;
const IN_ALL = 500;
const LANES = 16;

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work();
  return performance.now() - begin;
}

/** A job from its dispatch until a client that waits holds its result. */
async function runJob({ call }: BenchSystem, input: Record<string, unknown>): Promise<void> {
  const { taskId } = await call("dispatch_task", input);
  for (;;) {
    const record = await call("wait_for_task", { task_id: taskId, timeout_seconds: 40 });
    if (record.status === "succeeded") return;
    if (!record.timedOutWaiting) throw new Error(`the job ended ${record.status}: ${JSON.stringify(record.error)}`);
  }
}

/** The bare program, started by Node, to compare with. */
async function runBare([program, ...words]: readonly [string, ...string[]]): Promise<void> {
  const child = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.resume();
  child.stderr.resume();
  await once(child, "close");
}

/** Each kind of job, one after the other, each beside the bare process and the peer of the same round. */
export async function benchCommand(system: BenchSystem, beside: string | undefined): Promise<void> {
  await withPeer(beside, async (peer) => {
    for (const { name, call, bare } of kinds) {
      const samples = { ours: [] as number[], bare: [] as number[], peer: [] as number[] };
      for (const round of numbers(WARM_UP + ROUNDS)) {
        // What the last job leaves to be cleaned up is not measured with the next.
        await sleep(100);
        const ours = await timeOf(() => runJob(system, call));
        const alone = await timeOf(() => runBare(bare));
        const theirs = peer && (await timeOf(() => peer.run()));
        if (round < WARM_UP) continue;
        samples.ours.push(ours);
        samples.bare.push(alone);
        if (theirs !== undefined) samples.peer.push(theirs);
      }
      const how = `${ROUNDS} rounds, in each one job, its bare process${peer ? " and one of the peer" : ""}; from a second process, which dispatches and then waits`;
      figure(`${name}, p50`, quantile(samples.ours, 0.5), "ms", how, "<= 10");
      figure(`${name}, p95`, quantile(samples.ours, 0.95), "ms", how, "<= 25");
      figure("  its bare process, p50", quantile(samples.bare, 0.5), "ms", how);
      if (peer) figure("  the peer, p50", quantile(samples.peer, 0.5), "ms", how);
    }
    await benchAtOnce(system, peer);
  });
}

async function benchAtOnce(system: BenchSystem, peer: Peer | undefined): Promise<void> {
  const rounds = 5;
  const allAtOnce = (run: () => Promise<void>) => timeOf(() => Promise.all(numbers(AT_ONCE).map(run)));
  const samples = { ours: [] as number[], bare: [] as number[], peer: [] as number[] };
  for (const _ of numbers(rounds)) {
    samples.ours.push(await allAtOnce(() => runJob(system, plain.call)));
    await sleep(500);
    samples.bare.push(await allAtOnce(() => runBare(plain.bare)));
    if (peer) samples.peer.push(await allAtOnce(() => peer.run()));
    await sleep(500);
  }
  const how = `${AT_ONCE} dispatched at the same time, from the first dispatch until the last result; median of ${rounds} rounds`;
  const name = `${AT_ONCE} jobs at once`;
  figure(name, quantile(samples.ours, 0.5) / 1000, "s", how, "<= 0.3");
  figure("  their bare processes", quantile(samples.bare, 0.5) / 1000, "s", how);
  if (peer) figure("  the peer", quantile(samples.peer, 0.5) / 1000, "s", how);
}

/** Many trivial jobs, a few at a time. */
export async function benchMany(system: BenchSystem): Promise<void> {
  const ours = await timeOf(() => forAll(numbers(IN_ALL), LANES, () => runJob(system, plain.call)));
  const bare = await timeOf(() => forAll(numbers(IN_ALL), LANES, () => runBare(plain.bare)));
  const how = `${IN_ALL} times command.run true, ${LANES} at a time, each dispatched and waited for`;
  figure(`${IN_ALL} trivial jobs`, (IN_ALL * 1000) / ours, "jobs/s", how, ">= 100");
  figure("  their bare processes", (IN_ALL * 1000) / bare, "jobs/s", how);
}

/** The first job of a system that has just said that it listens. */
export async function benchFirst(start: (measure: (system: BenchSystem) => Promise<void>) => Promise<void>) {
  const rounds = 7;
  const samples: number[] = [];
  for (const _ of numbers(rounds))
    await start(async (system) => void samples.push(await timeOf(() => runJob(system, plain.call))));
  const how = `median of ${rounds} systems, each on a fresh state folder, from the moment that a client is connected`;
  figure("first job after a start", quantile(samples, 0.5), "ms", how, "<= 150");
}
