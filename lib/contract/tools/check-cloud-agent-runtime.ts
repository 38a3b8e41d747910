import * as z from "zod";
import { aliases } from "./aliases.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

const input = z.strictObject({
  runtime: field.name.optional(),
  provider: field.name.optional(),
  account_profile: field.name.optional(),
  live: z.boolean().optional().describe("Ask the platform too (default true)"),
  runtime_arn: field.line(2048).optional(),
  target: field.target.optional(),
});

/** One thing that was looked at, and what came of it. */
export const checkSchema = z.object({
  name: z.string(),
  status: z.enum(["pass", "warn", "fail"]),
  message: z.string(),
});
export type Check = z.infer<typeof checkSchema>;

const output = z.object({
  ok: z.boolean(),
  runtime: z.string().exactOptional(),
  provider: z.string(),
  account_profile: z.string(),
  backend: z.string(),
  adapter: z.string(),
  target_mode: z.string(),
  checks: z.array(checkSchema),
});

export const checkCloudAgentRuntime = {
  input,
  output,
  aliases: { runtimeArn: aliases.runtimeArn },
  open: true,
} satisfies ToolSchemas;
