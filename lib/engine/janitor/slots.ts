import { isTerminal } from "../../contract/lifecycle.ts";
import { readableOrNewer } from "../../store/stored-task.ts";
import { beginQueued } from "../admission/admission.ts";
import { giveBack } from "../admission/lending.ts";
import { queueEntry } from "../cancellation.ts";
import type { Ports } from "../ports.ts";

/**
 * Gives back the slots of tasks that are over, or that nobody can steer any more, and lets tasks begin that have a slot and still
 * wait: somebody waits, and a writer may have died between two writes. One that waits with a slot may stand behind others in
 * its queue, who wait for that very slot.
 */
export async function freeSlots(ports: Ports, owner: string): Promise<void> {
  const { running, byProfile } = await ports.store.listSlots(owner);
  const profileOf = new Map(
    Object.entries(byProfile).flatMap(([profile, ids]) => ids.map((id) => [id, profile] as const)),
  );
  for (const taskId of new Set([...running, ...profileOf.keys()])) {
    const task = await readableOrNewer(ports.store, taskId);
    if (task === "newer") continue;
    if (task?.status === "queued") await beginQueued(ports, queueEntry(task));
    if (task && (!isTerminal(task.status) || task.obligations.slot !== undefined)) continue;
    ports.observe.decided({ decision: "found", thing: "slot", taskId, owner });
    if (task) await giveBack(ports, task);
    else await ports.store.releaseSlot(owner, { taskId, profile: profileOf.get(taskId) ?? "" });
  }
}
