import * as z from "zod";
import { problemSchema } from "../../../lib/contract/said-problem.ts";
import { usageSchema } from "../../../lib/contract/worker.ts";

/** One line that the child prints: what its agent does, as it happens, and at last how it ended. */
export const saidSchema = z.discriminatedUnion("type", [
  /** By which the next turn goes on. */
  z.object({ type: z.literal("session"), id: z.string() }),
  z.object({ type: z.literal("message"), text: z.string() }),
  z.object({ type: z.literal("tool_call"), id: z.string(), name: z.string(), input: z.unknown() }),
  z.object({
    type: z.literal("tool_result"),
    id: z.string(),
    name: z.string(),
    isError: z.boolean(),
    output: z.string(),
  }),
  z.object({ type: z.literal("usage"), usage: usageSchema }),
  z.object({ type: z.literal("log"), text: z.string() }),
  z.object({
    type: z.literal("end"),
    output: z.string().optional(),
    result: z.unknown().optional(),
    error: problemSchema.optional(),
  }),
]);
export type Said = z.infer<typeof saidSchema>;
export type SaidEnd = Omit<Extract<Said, { type: "end" }>, "type">;
