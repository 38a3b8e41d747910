import type { Runtime } from "../contract/configuration.ts";
import { defined, isObject } from "../contract/json.ts";
import type { Json } from "../contract/task.ts";
import type { Agent, agentSettings } from "../contract/tools/agents.ts";

/** An agent is a runtime profile that lives in a folder. */
export type AgentProfile = Runtime & { workspace: string };

export const isAgent = (profile: Runtime | undefined): profile is AgentProfile => profile?.workspace !== undefined;

/** Where each field of a call stands in the profile. */
const places = {
  workspace: ["workspace"],
  description: ["description"],
  instructions: ["instructions"],
  framework: ["framework"],
  model: ["model"],
  permission_mode: ["runtimeTools", "permissionMode"],
  allowed_tools: ["runtimeTools", "allowedTools"],
  denied_tools: ["runtimeTools", "deniedTools"],
  timeout_seconds: ["limits", "timeoutSeconds"],
  max_budget_usd: ["limits", "maxBudgetUsd"],
  max_tokens: ["limits", "maxTokens"],
  capabilities: ["capabilities"],
  risky_capabilities: ["riskyCapabilities"],
} as const satisfies Record<"workspace" | (typeof agentSettings)[number], readonly string[]>;
export type AgentField = keyof typeof places;

/** The fields of a call, each as the place in a profile and the value that goes there. */
export const fieldsOf = (call: { [Field in AgentField]?: unknown }): { path: readonly string[]; value: unknown }[] =>
  Object.entries(places).flatMap(([field, path]) => {
    const value = call[field as AgentField];
    return value === undefined ? [] : [{ path, value }];
  });

/** The places of the fields that are to be taken away. */
export const placesOf = (fields: readonly AgentField[]): (readonly string[])[] => fields.map((field) => places[field]);

/** The profile that a call describes, in the order in which a person would write it. */
export function profileOf(backend: string, call: { [Field in AgentField]?: unknown }): Json {
  const profile: Json = { backend };
  for (const { path, value } of fieldsOf(call)) {
    const [first = "", second] = path;
    const inner = profile[first];
    profile[first] = second === undefined ? value : { ...(isObject(inner) ? inner : {}), [second]: value };
  }
  return profile;
}

const texts = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.every((one) => typeof one === "string") ? value : undefined;

/** What a profile says of its agent. */
export function saidBy(name: string, profile: Runtime) {
  const { workspace, framework, model, runtimeTools = {}, limits = {}, capabilities, riskyCapabilities } = profile;
  const { permissionMode, allowedTools, deniedTools } = runtimeTools;
  const { timeoutSeconds, maxBudgetUsd, maxTokens } = limits;
  return {
    name,
    ...defined({ workspace, framework, model, timeoutSeconds, maxBudgetUsd, maxTokens }),
    ...defined({ allowedTools: texts(allowedTools), deniedTools: texts(deniedTools) }),
    ...defined({ capabilities, risky_capabilities: riskyCapabilities }),
    ...(typeof permissionMode === "string" && { permissionMode }),
  } satisfies Partial<Agent>;
}
