import type { RuntimeTools } from "../../../../lib/contract/agent.ts";
import { invalidInput } from "../../../parse.ts";

type Rule = { decision: "allow" | "deny"; toolName?: string | string[]; mcpName?: string; commandPrefix?: string };

/** A tool of gemini, or commands of its shell that begin so: `run_shell_command(npm test)`. */
const TOOL = /^(?<tool>[A-Za-z0-9_*-]{1,200})(?:\((?<prefix>[^\0\n]{1,300})\))?$/;
const SHELL = "run_shell_command";

/**
 * The rules that say what gemini may do without asking, since it denies without them whatever it would have to ask for. An
 * approval mode does not count in a workspace that is not trusted; rules do.
 * @see https://geminicli.com/docs/reference/policy-engine/
 */
export function policyOf({ permissionMode, allowedTools, deniedTools = [], mcpServers = {} }: RuntimeTools): string {
  const rules: Rule[] = [
    ...deniedTools.map((name) => ({ decision: "deny" as const, ...toolOf(name, "deniedTools") })),
    ...Object.keys(mcpServers).map((mcpName) => ({ decision: "allow" as const, mcpName, toolName: "*" })),
    ...(allowedTools ?? []).map((name) => ({ decision: "allow" as const, ...toolOf(name, "allowedTools") })),
    ...rulesOf(permissionMode ?? (allowedTools ? "default" : "acceptEdits")),
  ];
  return rules.map(toToml).join("\n");
}

function rulesOf(mode: NonNullable<RuntimeTools["permissionMode"]>): Rule[] {
  if (mode === "acceptEdits") return [{ decision: "allow", toolName: ["write_file", "replace"] }];
  return mode === "auto" || mode === "bypassPermissions" ? [{ decision: "allow", toolName: "*" }] : [];
}

function toolOf(name: string, option: string): Omit<Rule, "decision"> {
  const { tool = "", prefix } = TOOL.exec(name)?.groups ?? {};
  if (tool === "" || (prefix !== undefined && tool !== SHELL))
    throw invalidInput(
      `runtime_tools.${option}`,
      `${JSON.stringify(name)} is no tool of gemini, and no ${SHELL}(BEGINNING)`,
    );
  return prefix === undefined ? { toolName: tool } : { toolName: tool, commandPrefix: prefix };
}

/** What is denied stays denied, whatever allows it. */
function toToml({ decision, ...conditions }: Rule): string {
  const fields = Object.entries(conditions).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
  const priority = decision === "deny" ? 999 : 500;
  const redirection = decision === "allow" ? ["allowRedirection = true"] : [];
  return ["[[rule]]", ...fields, `decision = "${decision}"`, `priority = ${priority}`, ...redirection, ""].join("\n");
}
