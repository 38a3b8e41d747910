import type { FoundRuntime, Inventory, Pace, Place } from "../../backends/inventory.ts";
import { MAX_LIFETIME_SECONDS } from "../../contract/limits.ts";
import { isSettled } from "../../contract/task.ts";
import { isNewer, isUnreadable } from "../../store/stored-task.ts";
import type { Ports } from "../ports.ts";

/** For so long nobody who makes one has to have noted it: each is noted before it is made. */
const YOUNG_MS = 30 * 60_000;
/** No job lasts so long: until then somebody may put back a record that is damaged. */
const OUTLIVED_MS = (MAX_LIFETIME_SECONDS + 3600) * 1000;

/**
 * Deletes the runtimes that were made for tasks and that no record knows, the oldest first: their record was lost, or they
 * came to be after their making had been given up. Resolves with how many there were. `places` are those that records tell
 * of.
 */
export async function removeUnknown(
  ports: Ports,
  places: readonly Place[],
  inventory: Inventory,
  pace: Pace,
): Promise<number> {
  if (!(await pace())) return 0;
  const { runtimes, unseen } = await inventory.list(places);
  for (const place of unseen) ports.log.warn("the runtimes made for tasks at a place could not be listed", place);
  // Read after the list: whatever was made before it was noted before that.
  const shared = await ports.store.listRuntimes();
  const known = new Set(shared.filter(({ state }) => state !== "gone").map(({ name }) => name));
  const nowMs = ports.now();
  const unknown = runtimes
    .filter(({ name, status }) => status !== "DELETING" && !known.has(name))
    .filter((runtime) => nowMs - changedAtOf(runtime, nowMs) > YOUNG_MS)
    .sort((one, other) => changedAtOf(one, nowMs) - changedAtOf(other, nowMs));
  let found = 0;
  for (const runtime of unknown) {
    const { name, region } = runtime;
    try {
      if (await isOfTask(ports, runtime, runtime.taskId)) continue;
      if (!(await pace())) break;
      if (await isKept(ports, runtime, inventory)) continue;
      found++;
      ports.observe.decided({ decision: "found", thing: "unknown_runtime", name, region });
      if (!(await pace())) break;
      await inventory.remove(runtime);
    } catch (error) {
      ports.log.error("a runtime that no record knows cannot be deleted; the next run tries again", {
        runtime: name,
        region,
        error: String(error),
      });
    }
  }
  return found;
}

/** One of unknown age is young. */
const changedAtOf = ({ changedAtMs }: FoundRuntime, nowMs: number): number => changedAtMs ?? nowMs;

/** Whether whoever it was made for, as it says itself, still knows it; one of somebody else is let be. */
async function isKept(ports: Ports, runtime: FoundRuntime, inventory: Inventory): Promise<boolean> {
  const owner = await inventory.ownerOf(runtime);
  if (!owner) return true;
  if ("taskId" in owner) return isOfTask(ports, runtime, owner.taskId);
  // Throws where the record is damaged: then it is left to whoever mends that.
  const record = await ports.store.getRuntime(owner.record);
  return record?.name === runtime.name && record.state !== "gone";
}

/** Whether a task still owes this runtime. */
async function isOfTask(ports: Ports, runtime: FoundRuntime, taskId: string): Promise<boolean> {
  try {
    const task = await ports.store.get(taskId);
    return task !== undefined && !isSettled(task) && task.obligations.runtime === runtime.name;
  } catch (error) {
    if (isNewer(error)) return true;
    if (isUnreadable(error)) return ports.now() - changedAtOf(runtime, ports.now()) < OUTLIVED_MS;
    throw error;
  }
}
