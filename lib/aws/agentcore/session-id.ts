import type { Task } from "../../domain/task.ts";

/**
 * The session of a task, as a UUID made of the task's own random id: known before anything is made, so that the handle can
 * name it, and 36 characters long, where AgentCore wants 33 at least.
 */
export function sessionIdOf({ id, session }: Task): string {
  if (session) return session.id;
  const hex = id.replace(/^task_/, "");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
