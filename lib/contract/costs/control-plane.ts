import counted from "./control-plane.json" with { type: "json" };
import { prices } from "./prices.ts";

/** Minutes of a task, and what its control plane was counted to cost, in US dollars. */
type Points = readonly (readonly number[])[];

export type CountedTarget = "session" | "reused" | "own";
type Told = { events: number; logBytes: number };

/**
 * What the control plane costs in US dollars for a task of so many minutes for which nobody waits, between the lengths that
 * were counted for docs/COSTS.md, and a write unit for each event and kilobyte of log that its worker told.
 */
export function controlPlaneUsd(minutes: number, target: CountedTarget, { events, logBytes }: Told): number {
  return between(counted[target], minutes) + (events + logBytes / 1024) * prices.writeUnit.usd;
}

/** The line through the points, and on beyond the last; before the first it is as there. */
function between(points: Points, minutes: number): number {
  const after = points.findIndex(([at = 0]) => at >= minutes);
  if (after === 0) return points[0]?.[1] ?? 0;
  const end = after < 0 ? points.length - 1 : after;
  const [[x0 = 0, y0 = 0] = [], [x1 = 0, y1 = 0] = []] = points.slice(end - 1);
  return y0 + ((minutes - x0) / (x1 - x0)) * (y1 - y0);
}
