import { isTerminal } from "../../contract/lifecycle.ts";
import type { Task } from "../../contract/task.ts";
import type { Holder } from "../../store/port.ts";
import { readable } from "../../store/stored-task.ts";
import type { Ports } from "../ports.ts";
import { lineage } from "./lineage.ts";

/**
 * A task that dispatches others and waits for them would keep them from running for ever once its owner's slots are full
 * of such tasks. Nobody can tell whether it waits, so where a limit is reached a child may begin in the place of the nearest
 * task above it that has one; when it ends, the place goes back to the nearest above it that runs without. So of each line of
 * running tasks at least one is counted, and there are never more places than the limits allow.
 */

/** Whether a task runs: then it has a place, or one below it has taken it over. */
const runs = ({ status, obligations }: Task): boolean => !isTerminal(status) && obligations.slot !== undefined;

const holderOf = ({ id, profile, obligations }: Task): Holder => ({ taskId: id, profile: obligations.slot ?? profile });

/** Those of a line that may give their place up, or get one back; nearest first. */
export const holdersOf = (above: readonly Task[]): Holder[] => above.filter(runs).map(holderOf);

/** Gives the slot of a task that is over back, to those above it that still run, or to whoever comes. Repeating is safe. */
export async function giveBack(
  ports: Ports,
  task: Pick<Task, "id" | "owner" | "parent" | "profile" | "obligations">,
): Promise<void> {
  const { id, owner, parent, profile, obligations } = task;
  const above = parent === undefined ? [] : await lineage(ports, { parent });
  await ports.store.releaseSlot(owner, { taskId: id, profile: obligations.slot ?? profile }, holdersOf(above));
  // One that has ended since it was read may have given back before it got this; it is terminal before it does.
  for (const one of above.filter(runs)) {
    const now = await readable(ports.store, one.id);
    if (!now || isTerminal(now.status)) return giveBack(ports, one);
  }
}
