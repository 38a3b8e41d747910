import type { Task } from "../../contract/task.ts";

/**
 * The id of the child of a task at a position. It is what makes a child one: it follows from both, so whoever dispatches it
 * again makes no other. The parent's is random, and known to its owner alone; so this says no more than a random one.
 */
export async function childId(parent: string, position: number): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${parent}/${position}`));
  const hex = Array.from(new Uint8Array(digest).subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0"));
  return `task_${hex.join("")}`;
}

/** Whether a task is a child of one that is made of others: that one hears of its end. */
export const isPart = (task: Task): task is Task & { parent: string; position: number } =>
  task.parent !== undefined && task.position !== undefined;
