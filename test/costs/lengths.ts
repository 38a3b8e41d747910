import type { CountedTask } from "./count.ts";
import { LONG, SHORT } from "./counts.ts";
import { billOf, totalOf } from "./price.ts";
import type { Target } from "./virtual-cloud.ts";

/** The task that was counted so. Throws Error where none was. */
export function taskAmong(tasks: readonly CountedTask[], minutes: number, target: Target, waits = false): CountedTask {
  const found = tasks.find((task) => task.minutes === minutes && task.target === target && task.waits === waits);
  if (found) return found;
  throw new Error(`no task of ${minutes} minutes was counted on ${target}`);
}

/** What its control plane costs, in US dollars: of a long one as of a session, and what the target costs more for a short one. */
export function costOfTask(tasks: readonly CountedTask[], minutes: number, target: Target, waits = false): number {
  const cost = (...of: [number, Target, boolean?]) => totalOf(billOf(taskAmong(tasks, ...of)));
  if (!LONG.some((long) => long === minutes)) return cost(minutes, target, waits);
  const last = Math.max(...SHORT);
  return cost(minutes, "session") + cost(last, target) - cost(last, "session");
}
