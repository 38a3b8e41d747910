import { sessionUsd } from "../../contract/costs/compute.ts";
import { type CountedTarget, controlPlaneUsd } from "../../contract/costs/control-plane.ts";
import type { Estimate } from "../../contract/costs/estimate.ts";
import { pricesDate } from "../../contract/costs/prices.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { Task } from "../../contract/task.ts";
import { FIRST_WORKER_SEQUENCE } from "../../contract/worker.ts";
import { detail } from "./place.ts";

type Options = {
  /** The control plane runs on one machine, and costs nothing. */
  asCaller?: boolean | undefined;
  /** Its version is known; one that others made may be of the dearer one. */
  ownRuntimeArn?: string | undefined;
};

/** What a task costs so far, or has cost; undefined before it has a session. */
export function estimateOf(task: Task, { asCaller, ownRuntimeArn }: Options): Estimate | undefined {
  const { phases, status, updatedAt } = task;
  if (phases.starting === undefined) return undefined;
  const endedAt = isTerminal(status) ? (phases[status] ?? updatedAt) : updatedAt;
  const seconds = Math.max(0, Date.parse(endedAt) - Date.parse(phases.starting)) / 1000;
  return {
    ...(!asCaller && { controlPlaneUsd: rounded(controlPlaneUsd(seconds / 60, countedAs(task), toldBy(task))) }),
    computeUsdAtMost: rounded(sessionUsd(seconds, versionOf(task, ownRuntimeArn)).most),
    pricesOf: pricesDate,
    estimated: true,
  };
}

/** The platform of its runtime, by which prices differ: of one that others made the dearer one is assumed. */
export const versionOf = (task: Task, ownRuntimeArn: string | undefined): "V1" | "V2" =>
  task.target.mode === "runtime" || detail(task, "runtimeArn") === ownRuntimeArn ? "V1" : "V2";

function countedAs({ target }: Task): CountedTarget {
  if (target.mode === "session") return "session";
  return target.details?.reuse === false ? "own" : "reused";
}

const toldBy = ({ workerSequence, logBytes }: Task) => ({
  events: Math.max(0, workerSequence - FIRST_WORKER_SEQUENCE + 1),
  logBytes,
});

/** To a millionth of a dollar. */
const rounded = (usd: number): number => Math.round(usd * 1e6) / 1e6;
