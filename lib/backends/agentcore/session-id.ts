import type { Task } from "../../contract/task.ts";

/**
 * The session of a task, `ad-` and 32 hexadecimal digits, which are those of the task's own random id: known before
 * anything is made, so that the handle can name it, and 35 characters long, where AgentCore wants 33 at least.
 */
export const sessionIdOf = ({ id, session }: Task): string => session?.id ?? id.replace(/^task_/, "ad-");
