import { createHash } from "node:crypto";
import { REGION } from "../emulators/agentcore/emulator.ts";
import { startCloudWatchLogs } from "../emulators/cloudwatch-logs.ts";
import { startEcr } from "../emulators/ecr.ts";
import type { Meeting } from "./coverage.ts";
import { pointNamed, pointOf } from "./points.ts";
import { type Report, run } from "./run.ts";
import { scenarioOf } from "./scenario.ts";
import { warmUp } from "./warm-up.ts";

/** One run: its seed, points to meet besides what the seed aims at, and whether to tell all that happened in any case. */
export type Asked = { seed: number; also?: string[]; isTold?: boolean };

export type Outcome = Meeting & {
  isBroken: boolean;
  /** What happened; empty where nothing is to be told. */
  text: string;
  /** A digest of all that happened. */
  digest: string;
  statuses: string[];
};

/** Makes this process ready; the answer makes one run at a time. Throws when a run without any fault is not as it should be. */
export async function startRunner(): Promise<(asked: Asked) => Promise<Outcome>> {
  // A copy of the SDK says once per client that it was handed text as bytes.
  process.emitWarning = () => {};
  console.warn = () => {};
  const logs = await startCloudWatchLogs({ region: REGION, identities: {} });
  const images = await startEcr({ region: REGION, identities: {} });
  await warmUp({ logs, images });
  return async (asked) => {
    const { seed, also = [] } = asked;
    const { targets, ...scenario } = scenarioOf(seed);
    const more = also.map((name) => ({ ...pointNamed(name), nth: 0, times: 1 }));
    const report = await run(seed, { logs, images }, { ...scenario, targets: [...more, ...targets] });
    return {
      seed,
      met: [...new Set(report.met.map(pointOf))],
      seen: [...report.seen],
      isBroken: report.broken.length > 0,
      text: report.broken.length > 0 || asked.isTold ? textOf(report, asked) : "",
      digest: createHash("sha256")
        .update(JSON.stringify([report.met, report.lines]))
        .digest("hex"),
      statuses: report.statuses,
    };
  };
}

/** The schedule of a run, and what it broke. */
function textOf({ scenario, met, lines, broken, statuses, virtualMs }: Report, { seed, also, isTold }: Asked): string {
  const start = Date.UTC(2026, 0, 1);
  const schedule = met.map(
    ({ atMs, by, operation, fault }) => `${((atMs - start) / 1000).toFixed(3)} fault: ${by}: ${operation}: ${fault}`,
  );
  const order = (one: string, other: string) => Number.parseFloat(one) - Number.parseFloat(other);
  const all = isTold ? [...lines, ...schedule].sort(order) : schedule;
  const again = [`--seed ${seed}`, ...(also ?? []).map((name) => `--also "${name}"`)].join(" ");
  return [
    `seed ${seed}: ${(virtualMs / 3_600_000).toFixed(1)} h, ${met.length} faults, ${scenario.store}, tasks: ${statuses.join(", ")}`,
    JSON.stringify({ ...scenario, targets: undefined }),
    ...all.map((line) => `  ${line}`),
    ...broken.map((promise) => `  BROKEN: ${promise}`),
    ...(broken.length > 0 ? [`  again: npm run test:faults -- ${again}`] : []),
  ].join("\n");
}
