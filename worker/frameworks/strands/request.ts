import * as z from "zod";
import { mcpServerSchema } from "../../../lib/contract/worker.ts";

/** The tools that an agent on Strands can have, besides those of MCP servers. */
export const toolNames = ["shell", "files", "http", "code-interpreter", "browser"] as const;
export type ToolName = (typeof toolNames)[number];
/** Those that AgentCore runs, outside of the session. */
export const agentCoreTools: readonly ToolName[] = ["code-interpreter", "browser"];

const id = z.string().min(1).max(2048);
const maxTokens = z.number().int().positive().optional();

/** `model`, where it is more than a name: which service has it, and the most tokens of one answer. */
export const modelSchema = z.discriminatedUnion("provider", [
  z.strictObject({ provider: z.literal("bedrock"), id, region: z.string().max(40).optional(), maxTokens }),
  z.strictObject({
    provider: z.literal("openai"),
    id,
    /** Which of OpenAI's two ways to ask it: services of others mostly know the first alone. */
    api: z.enum(["chat", "responses"]).default("chat"),
    maxTokens,
  }),
]);
export type AgentModel = z.infer<typeof modelSchema>;

/** What the child is told, in a file of the run's own; the prompt comes by its standard input. */
export const requestSchema = z.object({
  model: modelSchema,
  tools: z.array(z.enum(toolNames)),
  workspace: z.string(),
  /** Where files are left that come back. */
  artifacts: z.string().optional(),
  /** The folder of snapshots; where one of this session lies there, the agent goes on with it. */
  session: z.object({ folder: z.string(), id: z.string() }),
  systemPrompt: z.string().optional(),
  maxTurns: z.number().optional(),
  maxTokens: z.number().optional(),
  mcpServers: z.record(z.string(), mcpServerSchema).default({}),
  jsonSchema: z.record(z.string(), z.unknown()).optional(),
  /** Variables that models need and programs which the agent starts do not. */
  hidden: z.array(z.string()),
  /** For how long what is started outside may stay, in seconds, should nobody be left to stop it. */
  timeoutSeconds: z.number(),
});
export type AgentRequest = z.infer<typeof requestSchema>;
export type AgentRequestInput = z.input<typeof requestSchema>;
