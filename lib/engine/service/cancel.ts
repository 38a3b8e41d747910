import type { Task } from "../../contract/task.ts";
import { admitLater } from "../admission/admission.ts";
import { cancelPart } from "../orchestration/cancelling.ts";
import type { Ports } from "../ports.ts";

/** Cancels a task of an owner, and lets begin what it kept waiting. Throws as `cancelTask`. */
export async function cancelOwn(
  ports: Ports,
  owner: string,
  task: Task,
  options: { cascade?: boolean } = {},
): Promise<Task> {
  const cancelled = await cancelPart(ports, task, options);
  // One that waited with its turn, for a slot, keeps those behind it no longer.
  if (cancelled.status === "cancelled" && cancelled.conversation) await admitLater(ports, owner);
  return cancelled;
}
