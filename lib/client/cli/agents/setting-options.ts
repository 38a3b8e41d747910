import type { agentSettings } from "../../../contract/tools/agents.ts";

/** The fields of the tools, by the options that say them. */
export const settingOptions = {
  description: "description",
  instructions: "instructions",
  framework: "framework",
  model: "model",
  "permission-mode": "permission_mode",
  "allowed-tools": "allowed_tools",
  "denied-tools": "denied_tools",
  timeout: "timeout_seconds",
  "max-budget": "max_budget_usd",
  "max-tokens": "max_tokens",
} as const satisfies Record<string, (typeof agentSettings)[number]>;
