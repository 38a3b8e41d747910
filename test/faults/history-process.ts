/** Runs tasks of every length on virtual time, and prints how many events the history of each of their executions has. */
import { REGION } from "../emulators/agentcore/emulator.ts";
import { startCloudWatchLogs } from "../emulators/cloudwatch-logs.ts";
import { startEcr } from "../emulators/ecr.ts";
import type { Target } from "./faults.ts";
import { run } from "./run.ts";
import { type Place, type Scenario, scenarioOf, type Wish } from "./scenario.ts";
import { warmUp } from "./warm-up.ts";

const LONGEST_SECONDS = 27_000;
const MINUTE = 60_000;

const wish = (name: string, seconds: number, more: Partial<Wish["job"]> = {}, place: Place = "session"): Wish => ({
  job: { name, seconds, lines: 5, asks: 0, files: 0, end: "succeeded", ...more },
  place,
  owner: "one",
  atMs: 0,
  timeoutSeconds: LONGEST_SECONDS,
  isWaited: false,
  vanishes: false,
});

const always = (operation: string, name: string, times: number): Target => ({
  by: "Watch",
  operation,
  fault: { kind: "error", name },
  nth: 0,
  times,
});

const { agentCore, ...usual } = scenarioOf(0);
const quiet: Scenario = {
  ...usual,
  store: "sqlite",
  incidents: [],
  limits: { maxRunning: 50, timeoutSeconds: LONGEST_SECONDS },
  agentCore: {
    unseenMs: 0,
    creatingMs: 0,
    endpointMs: 0,
    deletingMs: 0,
    refusing: { ...agentCore.refusing, forMs: 0 },
  },
  wishes: [],
  targets: [],
  rates: { effect: 0, call: 0 },
  trouble: { forMs: 0, most: 0 },
};

const almost = LONGEST_SECONDS - 200;
/** In seconds: the first minutes, in which Watch changes its pace, closely; then one every ten minutes. */
const lengths = [
  0,
  1,
  5,
  20,
  60,
  120,
  180,
  240,
  300,
  420,
  ...Array.from({ length: 44 }, (_, i) => (i + 1) * 600),
  almost,
];
const scenarios: Record<string, Scenario> = {
  lengths: {
    ...quiet,
    limits: { ...quiet.limits, maxRunning: lengths.length },
    wishes: lengths.map((seconds) => wish(`job-${seconds}`, seconds)),
  },
  chatty: { ...quiet, wishes: [wish("job-lines", almost, { lines: 900 })] },
  asking: { ...quiet, wishes: [wish("job-asks", LONGEST_SECONDS - 4000, { asks: 40 })] },
  "slow to become ready, and to be deleted": {
    ...quiet,
    agentCore: { ...quiet.agentCore, creatingMs: 9 * MINUTE, deletingMs: 50 * MINUTE },
    wishes: [wish("job-slow", almost, {}, "own runtime")],
  },
  "polls that are throttled": {
    ...quiet,
    targets: [always("agentcore.InvokeAgentRuntime:poll", "ThrottlingException", 1500)],
    wishes: [wish("job-throttled", almost)],
  },
  "a store that Watch cannot read": {
    ...quiet,
    targets: [always("store.get", "unavailable", 200)],
    wishes: [wish("job-unread", almost)],
  },
  recoveries: {
    ...quiet,
    incidents: Array.from({ length: 8 }, (_, index) => ({
      atMs: (index + 1) * 50 * MINUTE,
      kind: "execution aborted",
    })),
    wishes: [wish("job-again", almost)],
  },
};

const logs = await startCloudWatchLogs({ region: REGION, identities: {} });
const images = await startEcr({ region: REGION, identities: {} });
console.warn = () => {};
await warmUp({ logs, images });
for (const [name, scenario] of Object.entries(scenarios)) {
  const { history, broken, statuses } = await run(0, { logs, images }, scenario);
  console.log(
    JSON.stringify({ name, statuses, broken, most: Math.max(...history.values()), executions: history.size }),
  );
}
await Promise.all([logs.close(), images.close()]);
process.exit(0);
