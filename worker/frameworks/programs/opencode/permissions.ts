import type { RuntimeTools } from "../../../../lib/contract/agent.ts";
import type { PermissionMode } from "../../../../lib/contract/kinds.ts";
import { invalidInput } from "../../../parse.ts";

type Action = "allow" | "deny";
type Rules = Record<string, Action | Record<string, Action>>;

/** A tool of opencode, all tools that begin so, or one of its tools with what it is used on: `bash(npm *)`. */
const TOOL = /^(?<tool>[A-Za-z0-9_*-]{1,200})(?:\((?<pattern>[^\0\n]{1,300})\))?$/;

/** What is not here is as the person's own configuration has it; opencode allows it where that says nothing. */
const modes: Readonly<Record<PermissionMode, Readonly<Record<string, Action>>>> = {
  plan: { edit: "deny", bash: "deny", task: "deny" },
  default: { edit: "deny", bash: "deny" },
  acceptEdits: { edit: "allow" },
  auto: { edit: "allow", bash: "allow", webfetch: "allow", websearch: "allow" },
  bypassPermissions: { "*": "allow" },
};

/**
 * What opencode may do. Nothing is left to be asked for: an agent whose question is rejected ends at once, while one that is
 * denied something does the rest. Of the rules for a tool the last that fits counts, so that what is denied stays denied.
 * @see https://opencode.ai/docs/permissions/
 */
export function permissionsOf(
  { permissionMode, allowedTools, deniedTools = [] }: RuntimeTools,
  artifacts: string | undefined,
): Rules {
  const mode = permissionMode ?? (allowedTools ? "default" : "acceptEdits");
  const outside = { "*": "deny", ...(artifacts !== undefined && { [`${artifacts}/*`]: "allow" }) } as const;
  const rules: Rules = {
    ...(mode !== "bypassPermissions" && { external_directory: outside, doom_loop: "deny" }),
    ...modes[mode],
  };
  for (const name of allowedTools ?? []) add(rules, name, "allow", "allowedTools");
  for (const name of deniedTools) add(rules, name, "deny", "deniedTools");
  return rules;
}

function add(rules: Rules, name: string, action: Action, option: string): void {
  const { tool = "", pattern } = TOOL.exec(name)?.groups ?? {};
  if (tool === "") throw invalidInput(`runtime_tools.${option}`, `${JSON.stringify(name)} is no tool of opencode`);
  const before = rules[tool];
  // What is named last comes last.
  delete rules[tool];
  rules[tool] =
    pattern === undefined
      ? action
      : { ...(typeof before === "object" ? before : before && { "*": before }), [pattern]: action };
}
