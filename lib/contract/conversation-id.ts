import * as z from "zod";

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
