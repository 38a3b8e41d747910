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

export const conversationIdSchema = z
  .string()
  .regex(/^conv_[0-9a-f]{32}$/, "must be a conversation id: conv_ and 32 hexadecimal digits");

/**
 * The conversation that a task begins. Its id is as random as that of the task, and leads to it: so one of a single turn, as
 * most are, needs no record of its own.
 */
export const conversationBegunBy = (taskId: string): string => taskId.replace("task_", "conv_");

/** The task that began a conversation. */
export const firstTurnOf = (conversationId: string): string => conversationId.replace("conv_", "task_");
