import type { ServedPrompt } from "./features/prompts.ts";
import type { ServedResources } from "./features/resources.ts";
import type { ServedTool } from "./tool.ts";

/** What an endpoint serves besides its own: tests give the fixtures of the conformance suite so. */
export type McpExtra = {
  tools?: readonly ServedTool[];
  prompts?: readonly ServedPrompt[];
  resources?: ServedResources;
};
