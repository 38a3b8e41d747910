import { RefusedError } from "../../contract/errors.ts";
import type { Task } from "../../contract/task.ts";
import { cancelTask } from "../cancellation.ts";
import type { Ports } from "../ports.ts";
import { advance, tellParent } from "./advance.ts";

/**
 * As `cancelTask`, for whoever wants to see what follows at once: what is made of others ends with the last of them, and one
 * of those that had not begun has no clean-up that would tell its parent.
 */
export async function cancelPart(
  ports: Ports,
  known: Pick<Task, "id">,
  options: { cascade?: boolean } = {},
): Promise<Task> {
  const task = await cancelTask(ports, known, options);
  try {
    if (task.orchestration) return (await advance(ports, task.id)) ?? task;
    if (task.status === "cancelled") await tellParent(ports, task);
  } catch (error) {
    ports.log.warn("what follows from a cancel is left to the janitor", { taskId: task.id, error: String(error) });
  }
  return task;
}

/** As `cancelPart`; undefined for a task that had ended, because then its result stands. */
export async function cancelUnlessEnded(ports: Ports, task: Pick<Task, "id">): Promise<Task | undefined> {
  try {
    return await cancelPart(ports, task);
  } catch (error) {
    if (error instanceof RefusedError && error.code === "task.terminal") return undefined;
    throw error;
  }
}
