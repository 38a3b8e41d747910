import { homedir } from "node:os";
import { defined } from "../contract/json.ts";
import type { Json } from "../contract/task.ts";
import type { Agent, AgentThere, GuidesThere, InspectedAgent } from "../contract/tools/agents.ts";
import { openProject } from "./project-folder.ts";

/**
 * The names and habits of the Python program agent-dispatch (https://pypi.org/project/agent-dispatch/) for what an agent is:
 * its calls are understood, and what is shown of an agent has its names besides ours.
 */

const ourNames: Readonly<Record<string, string>> = {
  directory: "workspace",
  timeout: "timeout_seconds",
  disallowed_tools: "denied_tools",
};
const lists = ["allowed_tools", "denied_tools", "capabilities", "risky_capabilities"];
const amounts = ["timeout_seconds", "max_budget_usd"];
/** What takes a field away there. */
const NONE = "none";
const clearable = [...lists, "model", "permission_mode", "instructions", "description"];

const ourNameOf = (name: string): string => (Object.hasOwn(ourNames, name) && ourNames[name]) || name;
const saysNothing = (field: string, value: unknown): boolean =>
  (typeof value === "string" && value.trim() === "") || (value === 0 && amounts.includes(field));

/** A call in our words: an empty text or a zero says nothing there, and a list is a text with commas. */
export function inOurWords(given: Json, { mayUnset = false } = {}): Json {
  const call: Json = {};
  const unset: unknown[] = Array.isArray(given.unset) ? [...given.unset] : [];
  for (const [name, value] of Object.entries(given)) {
    const our = ourNameOf(name);
    // Given under both names, it is refused as a field that there is not.
    const field = our !== name && !Object.hasOwn(given, our) ? our : name;
    if (field === "unset" || saysNothing(field, value)) continue;
    const isNone = String(value).trim().toLowerCase() === NONE && clearable.includes(field);
    const isTaken = isNone || (field === "max_budget_usd" && Number(value) < 0);
    if (mayUnset && isTaken) unset.push(field);
    else call[field] = asOurs(field, value);
  }
  return { ...call, ...(Object.hasOwn(given, "unset") || unset.length > 0 ? { unset } : {}) };
}

function asOurs(field: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (field === "workspace") return value.replace(/^~(?=\/|$)/, homedir());
  return lists.includes(field) ? value.split(",").flatMap((one) => one.trim() || []) : value;
}

type Named = "mcpServers" | "databases" | "permissionMode" | "allowedTools" | "deniedTools";

/** The same agent under the names that are known there. */
export async function underNamesThere(agent: Pick<Agent, Named> & { workspace: string }): Promise<AgentThere> {
  const { workspace, mcpServers, databases, permissionMode, allowedTools, deniedTools } = agent;
  const { names } = await openProject(workspace);
  return {
    directory: workspace,
    has_claude_md: names.has("CLAUDE.md"),
    has_mcp_config: names.has(".mcp.json"),
    mcp_servers: mcpServers,
    dbs: databases,
    ...defined({ permission_mode: permissionMode, allowed_tools: allowedTools, disallowed_tools: deniedTools }),
  };
}

/** What a call changes of an agent, as it names the fields; what it takes away by `unset` besides. */
export const changedBy = ({ name: _, unset, ...given }: Json): string[] => [
  ...Object.entries(given).flatMap(([name, value]) => (saysNothing(ourNameOf(name), value) ? [] : name)),
  ...(Array.isArray(unset) ? unset.map(String) : []),
];

/** What the files that guide it say, of which the beginnings were read, under the names there. */
export async function guidesThere({
  workspace,
  files,
}: Pick<InspectedAgent, "files"> & { workspace: string }): Promise<GuidesThere> {
  const { names } = await openProject(workspace);
  const [claude, readme] = ["CLAUDE.md", "README.md"].map((known) => files.find(({ name }) => name === known));
  return {
    has_readme: names.has("README.md"),
    ...(claude && { claude_md_preview: claude.preview, ...(!claude.isWhole && { claude_md_truncated: true }) }),
    ...(readme && { readme_preview: readme.preview, ...(!readme.isWhole && { readme_truncated: true }) }),
  };
}
