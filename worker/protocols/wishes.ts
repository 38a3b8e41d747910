import * as z from "zod";
import { MAX_TIMEOUT_SECONDS } from "../../lib/contract/limits.ts";
import { agentInputSchema } from "../../lib/contract/worker.ts";
import { parse } from "../parse.ts";
import type { Message } from "../turns/conversations.ts";

/** What a client may say, beside its message, of how it wants it done; the names are those of `spawn_cloud_agent`. */
export const wishes = {
  framework: agentInputSchema.shape.framework,
  model: agentInputSchema.shape.model,
  runtime_tools: agentInputSchema.shape.runtime_tools,
  timeout_seconds: z.number().positive().max(MAX_TIMEOUT_SECONDS).optional(),
};
const wishesSchema = z.object(wishes);

/** Reads them from where a protocol has room for what is its users' own. Throws InvalidInputError. */
export function readWishes(
  given: unknown,
  root: string,
): Pick<Message, "framework" | "model" | "runtimeTools" | "timeoutSeconds"> {
  const { framework, model, runtime_tools, timeout_seconds } = parse(wishesSchema, given ?? {}, root);
  return { framework, model, runtimeTools: runtime_tools, timeoutSeconds: timeout_seconds };
}
