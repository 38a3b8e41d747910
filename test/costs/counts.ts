import { type CountedQueue, type CountedTask, countJanitor, countQueue, countTask } from "./count.ts";
import type { Work } from "./tally.ts";
import { targets } from "./virtual-cloud.ts";

/** Lengths of the tasks that are counted on each target, in minutes. */
export const SHORT = [1, 5, 10] as const;
/** Of those that are counted as sessions alone: another target takes longer to come and to go, whatever is between. */
export const LONG = [60, 450] as const;
/** The one whose control plane may cost $0.004 at most. */
export const TYPICAL_MINUTES = 5;

/** For so many hours queues wait, and the janitor finds nothing, while that is counted. */
export const HOURS = 2;

/** All that docs/COSTS.md is computed from. */
export type Counts = { tasks: CountedTask[]; queue: CountedQueue; janitor: Work };

/** Runs and counts everything anew, which takes minutes. `tell` hears what is being counted. */
export async function countAll(tell: (what: string) => void): Promise<Counts> {
  tell("the janitor");
  const janitor = await countJanitor(HOURS);
  tell("a queue");
  const queue = await countQueue(20, HOURS);
  const tasks: CountedTask[] = [];
  for (const minutes of SHORT)
    for (const target of targets) {
      tell(`a task of ${minutes} minutes, ${target}`);
      tasks.push(await countTask(minutes, target));
      if (minutes !== TYPICAL_MINUTES) continue;
      tell("the same, with a caller who waits");
      tasks.push(await countTask(minutes, target, { waits: true }));
    }
  for (const minutes of LONG) {
    tell(`a task of ${minutes} minutes`);
    tasks.push(await countTask(minutes, "session"));
  }
  return { tasks, queue, janitor };
}
