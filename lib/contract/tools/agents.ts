import * as z from "zod";
import { MAX_DESCRIPTION, MAX_INSTRUCTIONS, MAX_LABEL, MAX_LABELS, nameSchema } from "../configuration.ts";
import { permissionModes } from "../kinds.ts";
import { MAX_TIMEOUT_SECONDS } from "../limits.ts";
import { checkSchema } from "./check-cloud-agent-runtime.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";
import { outcomeCounts } from "./usage.ts";

const { unlisted } = field;
const toolNames = z.array(field.line(500)).max(500);
const labels = z.array(field.line(MAX_LABEL)).max(MAX_LABELS);
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
  /** Labels for whoever chooses an agent; they change nothing of what it may do. */
  capabilities: field.unlistedInput(labels),
  risky_capabilities: field.unlistedInput(labels),
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
  /** How far it said that it came. */
  outcomes: outcomeCounts.exactOptional(),
  dispatches: z.number().exactOptional(),
  median_seconds: z.number().exactOptional(),
  p90_seconds: z.number().exactOptional(),
  median_cost_usd: z.number().exactOptional(),
});
export type Typical = z.infer<typeof typical>;

const texts = z.array(z.string());

/** An agent under the names of the Python program agent-dispatch besides: https://pypi.org/project/agent-dispatch/ */
const there = z.object({
  directory: unlisted(z.string()),
  has_claude_md: unlisted(z.boolean()),
  has_mcp_config: unlisted(z.boolean()),
  mcp_servers: unlisted(texts),
  dbs: unlisted(texts),
  permission_mode: unlisted(z.string()),
  allowed_tools: unlisted(texts),
  disallowed_tools: unlisted(texts),
  capabilities: unlisted(texts),
  risky_capabilities: unlisted(texts),
});
export type AgentThere = z.infer<typeof there>;

const agent = z.object({
  ...there.shape,
  name: z.string(),
  /** Absent where it lives in none, in the cloud. */
  workspace: z.string().exactOptional(),
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
const written = { ...agent.shape, file: z.string() };

/** What the files that guide it say, as that program shows it. */
const guidesThere = z.object({
  has_readme: unlisted(z.boolean()),
  claude_md_preview: unlisted(z.string()),
  claude_md_truncated: unlisted(z.literal(true)),
  readme_preview: unlisted(z.string()),
  readme_truncated: unlisted(z.literal(true)),
});
export type GuidesThere = z.infer<typeof guidesThere>;

/** Of one file that is shown. */
const MOST_LINES = 200;

export const listAgents = {
  input: z.strictObject({}),
  output: z.object({ items: z.array(agent), more: unlisted(z.number()) }),
} satisfies ToolSchemas;

export const inspectAgent = {
  input: z.strictObject({
    name,
    preview_lines: z
      .number()
      .int()
      .transform((lines) => Math.min(MOST_LINES, Math.max(0, lines)))
      .optional()
      .describe("Of each file that guides it; default 40, at most 200"),
  }),
  output: z.object({
    ...agent.shape,
    ...guidesThere.shape,
    /** Seconds that a task of it may take, also where its profile does not say. */
    timeout: unlisted(z.number()),
    max_budget_usd: unlisted(z.number()),
    instructions: z.string().exactOptional(),
    runtimeTools: field.object.exactOptional(),
    checks: z.array(checkSchema),
    files: z.array(z.object({ name: z.string(), preview: z.string(), isWhole: z.boolean() })),
    file: z.string().exactOptional(),
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
  output: z.object({
    ...written,
    added: unlisted(z.string()),
    instructions: unlisted(z.string()),
    dryRun: unlisted(z.literal(true)),
  }),
} satisfies ToolSchemas;

export const updateAgent = {
  input: z.strictObject({
    name,
    workspace: workspace.optional(),
    ...settings,
    unset: z.array(z.enum(agentSettings)).optional().describe("Fields to take away"),
  }),
  output: z.object({ ...written, updated: unlisted(z.string()), fields: unlisted(texts) }),
} satisfies ToolSchemas;

export const removeAgent = {
  input: z.strictObject({ name }),
  output: z.object({ name: z.string(), workspace: z.string(), file: z.string(), removed: z.string() }),
} satisfies ToolSchemas;
