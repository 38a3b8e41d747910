import * as z from "zod";
import { permissionModes } from "./kinds.ts";
import { mcpServerSchema, usageSchema } from "./worker.ts";

/** How far an agent says it came. */
export const outcomes = ["done", "partial", "needs_input"] as const;
export type AgentOutcome = (typeof outcomes)[number];

export type Usage = z.infer<typeof usageSchema>;

/** The answer of every framework: the `result` of an `agent.run`. */
export const agentAnswerSchema = z.object({
  /** The text of the answer. */
  output: z.string(),
  /** JSON, where a schema was asked for or the agent gave an object. */
  result: z.unknown().optional(),
  /** Null where it did not say. */
  outcome: z.enum(outcomes).nullable(),
  /** What it needs, or what is missing. */
  needs: z.string().optional(),
  /** Tools that it wanted and was not allowed; `hint` names the setting that would allow them. */
  deniedTools: z.array(z.string()).optional(),
  hint: z.string().optional(),
  /** Of this turn, not of the whole conversation. */
  usage: usageSchema.optional(),
  /** The conversation that another task can go on with. */
  conversation: z.string().optional(),
});
export type AgentAnswer = z.infer<typeof agentAnswerSchema>;

const text = z.string().max(65_536);
/** Names of tools, and rules such as `Bash(npm *)`. None and unset are two things. */
const toolNames = z.array(z.string().min(1).max(500)).max(500);

/** `runtimeTools` and `runtime_tools` as the frameworks of ours read them; each refuses by name what it cannot honour. */
export const runtimeToolsSchema = z
  .strictObject({
    /** The tools that there are at all. */
    enabled: toolNames,
    permissionMode: z.enum(permissionModes),
    /** What may be used without asking. */
    allowedTools: toolNames,
    /** What may not be used, whatever allows it. */
    deniedTools: toolNames,
    systemPrompt: text.min(1),
    /**
     * Whether it asks while it works, what it wants to know and whether it may use a tool; without it, it never waits for
     * anybody.
     */
    questions: z.literal("ask"),
    maxTurns: z.number().int().positive().max(10_000),
    mcpServers: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/), mcpServerSchema),
    /** The answer has to be JSON that fits this JSON Schema. */
    jsonSchema: z.record(z.string(), z.unknown()),
  })
  .partial();
export type RuntimeTools = z.infer<typeof runtimeToolsSchema>;
