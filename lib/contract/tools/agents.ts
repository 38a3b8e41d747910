import * as z from "zod";
import { MAX_DESCRIPTION, MAX_INSTRUCTIONS, nameSchema } from "../configuration.ts";
import { permissionModes } from "../kinds.ts";
import { MAX_TIMEOUT_SECONDS } from "../limits.ts";
import { checkSchema } from "./check-cloud-agent-runtime.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

const { unlisted } = field;
const toolNames = z.array(field.line(500)).max(500);
const name = nameSchema.describe("Of the agent, as in runtime of spawn_cloud_agent");

/** What a person says of an agent: each field is one of its runtime profile. */
const settings = {
  description: field.text(MAX_DESCRIPTION).min(1).optional().describe("Left out, made from the project's own files"),
  instructions: field.text(MAX_INSTRUCTIONS).min(1).optional().describe("Shown to it with each of its tasks"),
  framework: field.name.optional(),
  model: field.line(500).optional(),
  permission_mode: z.enum(permissionModes).optional(),
  allowed_tools: toolNames
    .optional()
    .describe("May be used without asking; [] is none, left out the framework decides"),
  denied_tools: toolNames.optional(),
  timeout_seconds: z.number().min(1).max(MAX_TIMEOUT_SECONDS).optional(),
  max_budget_usd: z.number().positive().optional(),
  max_tokens: z.number().int().positive().optional(),
};
export const agentSettings = Object.keys(settings) as (keyof typeof settings)[];

const workspace = field.line(4096).describe("Absolute path of the project's folder");

/** What tasks of an agent took and cost so far; there once it has had enough of them. */
const typical = z.object({
  tasks: z.number(),
  failed: z.number(),
  medianSeconds: z.number(),
  p90Seconds: z.number(),
  medianCostUsd: z.number().exactOptional(),
  p90CostUsd: z.number().exactOptional(),
});
export type Typical = z.infer<typeof typical>;

const texts = z.array(z.string());
const agent = z.object({
  name: z.string(),
  workspace: z.string(),
  description: z.string(),
  healthy: z.boolean(),
  /** What keeps it from working. */
  problems: texts.exactOptional(),
  framework: z.string().exactOptional(),
  model: z.union([z.string(), field.object]).exactOptional(),
  permissionMode: z.string().exactOptional(),
  allowedTools: texts.exactOptional(),
  deniedTools: texts.exactOptional(),
  timeoutSeconds: z.number().exactOptional(),
  maxBudgetUsd: z.number().exactOptional(),
  maxTokens: z.number().exactOptional(),
  stacks: texts,
  databases: texts,
  mcpServers: texts,
  typical: typical.exactOptional(),
});
export type Agent = z.infer<typeof agent>;

/** Where an agent is written down. */
const written = { ...agent.shape, file: z.string(), dryRun: unlisted(z.literal(true)) };

export const listAgents = {
  input: z.strictObject({}),
  output: z.object({ items: z.array(agent), more: unlisted(z.number()) }),
} satisfies ToolSchemas;

export const inspectAgent = {
  input: z.strictObject({
    name,
    preview_lines: z.number().int().min(0).max(200).optional().describe("Of each file that guides it; default 40"),
  }),
  output: z.object({
    ...agent.shape,
    instructions: z.string().exactOptional(),
    runtimeTools: field.object.exactOptional(),
    checks: z.array(checkSchema),
    files: z.array(z.object({ name: z.string(), preview: z.string(), isWhole: z.boolean() })),
    file: z.string(),
  }),
} satisfies ToolSchemas;
export type InspectedAgent = z.infer<typeof inspectAgent.output>;

export const addAgent = {
  input: z.strictObject({
    name,
    workspace,
    ...settings,
    dry_run: z.boolean().optional().describe("Check everything and write nothing"),
  }),
  output: z.object(written),
} satisfies ToolSchemas;

export const updateAgent = {
  input: z.strictObject({
    name,
    workspace: workspace.optional(),
    ...settings,
    unset: z.array(z.enum(agentSettings)).optional().describe("Fields to take away"),
  }),
  output: z.object(written),
} satisfies ToolSchemas;

export const removeAgent = {
  input: z.strictObject({ name }),
  output: z.object({ name: z.string(), workspace: z.string(), file: z.string(), removed: z.literal(true) }),
} satisfies ToolSchemas;
