import type { WarmSession } from "../../contract/runtimes.ts";
import type { OperatorWarm } from "../../contract/stopping/operator.ts";
import type { Left, Verified } from "../../contract/stopping/report.ts";
import type { Ports } from "../ports.ts";
import { keepWarm } from "../shared-runtimes/keep-warm.ts";
import { sessionOf } from "../shared-runtimes/warm.ts";
import { estimate } from "./sessions.ts";

/** The sessions that are kept ready for tasks to come, and what each has cost; one that a task has taken is the task's. */
export async function describeWarm(ports: Ports): Promise<OperatorWarm[]> {
  return (await ports.store.listWarm()).flatMap((one) => {
    const { id, profile, state, madeAtMs, task } = one;
    if (state === "gone" || state === "taken") return [];
    const ageSeconds = Math.max(0, Math.round((ports.now() - madeAtMs) / 1000));
    const { region, runtimeArn } = task.providerRefs;
    const estimatedCost = estimate(ports, task, ageSeconds);
    return {
      ...{ id, profile, state, sessionId: sessionOf(one), since: new Date(madeAtMs).toISOString(), ageSeconds },
      ...(region !== undefined && { region }),
      ...(runtimeArn !== undefined && { runtime: runtimeArn }),
      ...(estimatedCost && { estimatedCost }),
    };
  });
}

/** Ends them. The janitor begins others, unless admission is paused. */
export async function endWarm(ports: Ports): Promise<{ verified: Verified[]; underway: Left[] }> {
  const before = await describeWarm(ports);
  const ended = new Set<string>();
  await keepWarm(ports, { ending: true, onEnded: (session) => ended.add(session) });
  const left = new Map((await ports.store.listWarm()).map((one) => [sessionOf(one), one]));
  const verified: Verified[] = [];
  const underway: Left[] = [];
  for (const { sessionId: name } of before)
    if (ended.has(name)) verified.push({ what: "session", name });
    else underway.push({ what: "session", name, why: whyLeft(left.get(name), ports.now()) });
  return { verified, underway };
}

function whyLeft(one: WarmSession | undefined, nowMs: number): string {
  if (!one || one.state === "taken" || one.state === "gone")
    return "it was kept ready, and a task took it, or somebody else ended it, just now: stop all once more";
  const isReachable = (one.inFlightUntilMs ?? 0) > nowMs;
  return isReachable
    ? "it is kept ready for a task, and something that was sent to it may still arrive: the janitor ends it"
    : "it is kept ready for a task, and could not be ended now: the log says why, and the janitor tries again";
}
