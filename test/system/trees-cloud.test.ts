/** Trees of tasks that grow and break by seeds, on the bundles of the functions; only the machines of jobs are none of their own. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { VirtualMachines } from "../faults/machines.ts";
import { cloudUnderTest } from "./cloud-under-test.ts";
import { treeProfiles } from "./suites/tree-profiles.ts";
import { HELD_SECONDS, treeStorm } from "./suites/tree-storm.ts";

const small = { most: 40, budgetUsd: 10, kills: 20 };
const large = { most: 500, budgetUsd: 330, kills: 150 };
let released = Promise.withResolvers<void>();
const machines = new VirtualMachines({
  sleep: (ms) => (ms === HELD_SECONDS * 1000 ? released.promise : sleep(ms, undefined, { ref: false })),
  put: () => true,
  booted: () => {},
});
let cloud: CloudSystem;
beforeAll(async () => {
  const runtimes = { ...treeProfiles(small), ...treeProfiles(large) };
  const configuration = { runtimes, defaults: { limits: { maxRunning: 6, graceSeconds: 1 } } };
  cloud = await openCloudSystem(() => configuration, { machines });
});
afterAll(() => cloud?.[Symbol.asyncDispose]());

it.each([
  { seed: 1, ...small },
  { seed: 2, ...small },
  { seed: 3, ...small },
  { seed: 4, ...large },
])("a tree of up to $most tasks, seed $seed", { timeout: 3_600_000 }, async ({ seed, ...size }) => {
  released = Promise.withResolvers<void>();
  await using ends = new AsyncDisposableStack();
  const atEnd = (end: () => unknown) => void ends.defer(async () => void (await end()));
  const opened = await cloudUnderTest(() => cloud).open({ atEnd });
  const storm = { cloud, opened, machines, release: () => released.resolve(), expect };
  process.stdout.write(`${JSON.stringify(await treeStorm(storm, seed, size))}\n`);
});
