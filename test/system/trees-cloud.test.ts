/** Trees of tasks that grow and break by seeds, on the bundles of the functions; only the machines of jobs are none of their own. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { VirtualMachines } from "../faults/machines.ts";
import { cloudUnderTest } from "./cloud-under-test.ts";
import { HELD_SECONDS, treeProfiles, treeStorm } from "./suites/tree-storm.ts";

const MOST = 40;
let released = Promise.withResolvers<void>();
const machines = new VirtualMachines({
  sleep: (ms) => (ms === HELD_SECONDS * 1000 ? released.promise : sleep(ms, undefined, { ref: false })),
  put: () => true,
  booted: () => {},
});
let cloud: CloudSystem;
beforeAll(async () => {
  const configuration = { runtimes: treeProfiles(MOST), defaults: { limits: { maxRunning: 6, graceSeconds: 1 } } };
  cloud = await openCloudSystem(() => configuration, { machines });
});
afterAll(() => cloud?.[Symbol.asyncDispose]());

it.each([1, 2, 3])(`a tree of up to ${MOST} tasks, seed %i`, { timeout: 1_800_000 }, async (seed) => {
  released = Promise.withResolvers<void>();
  await using ends = new AsyncDisposableStack();
  const atEnd = (end: () => unknown) => void ends.defer(async () => void (await end()));
  const opened = await cloudUnderTest(() => cloud).open({ atEnd });
  const storm = { cloud, opened, machines, release: () => released.resolve(), expect };
  process.stdout.write(`${JSON.stringify(await treeStorm(storm, seed, { most: MOST, kills: 20 }))}\n`);
});
