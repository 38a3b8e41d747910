import * as z from "zod";

export const taskIdSchema = z
  .string()
  .regex(/^task_[0-9a-f]{32}$/, "must be a task id: task_ and 32 hexadecimal digits");

/** A new task id; always random, so that it says nothing and collides with nothing. */
export function newTaskId(): string {
  return `task_${randomHex(16)}`;
}

/** `bytes` random bytes as hexadecimal digits. */
export function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, "0")).join("");
}
