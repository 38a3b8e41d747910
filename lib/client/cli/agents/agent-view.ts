import type { Agent } from "../../../contract/tools/agents.ts";
import type { ToolResult } from "../../../contract/tools/index.ts";
import { checksText, sign } from "../check-text.ts";
import { commandName } from "../command-name.ts";
import { harmless } from "../harmless.ts";
import { type Io, write } from "../io.ts";
import { clip, columnsOf, formatDuration, oneLine, paint, table } from "../print.ts";
import type { Place } from "../systems/place.ts";

/** All agents, one in a line. */
export async function printAgents(io: Io, { items, more }: ToolResult<"list_agents">): Promise<void> {
  if (items.length === 0) return write(io.stdout, `no agents; ${commandName()} add makes one of a folder\n`);
  const head = ["", "agent", "framework", "usually", "what for"].map((name) => paint(io.stdout, "dim", name));
  const rows = items.map((agent) => [
    sign(io, agent.healthy ? "pass" : "fail"),
    oneLine(agent.name),
    oneLine(agent.framework ?? ""),
    agent.typical ? formatDuration(agent.typical.medianSeconds * 1000) : "",
    oneLine(agent.problems?.[0] ?? agent.description),
  ]);
  await write(
    io.stdout,
    table([head, ...rows]).replaceAll(/^.*$/gm, (row) => clip(row, columnsOf(io.stdout))),
  );
  if (more) await write(io.stderr, paint(io.stderr, "dim", `and ${more} more\n`));
}

type Shown = Agent & Partial<ToolResult<"inspect_agent">>;

/** One agent, with all that is known of it. */
export async function printAgent(io: Io, agent: Shown, place: Place = {}): Promise<void> {
  const { checks, files = [], instructions } = agent;
  const rows = factsOf(agent).map(([name, value]) => [paint(io.stdout, "dim", name), oneLine(value, 4096)]);
  await write(io.stdout, table(rows));
  const problems = agent.problems?.map((message) => ({ name: "", status: "fail" as const, message })) ?? [];
  const looked = checks ?? problems;
  if (looked.length > 0) await write(io.stdout, `\n${checksText(io, looked, place)}`);
  const texts = [{ name: "standing instructions", preview: instructions ?? "", isWhole: true }, ...files];
  for (const { name, preview, isWhole } of texts.filter((text) => text.preview !== "")) {
    const text = harmless(io.stdout, preview.replace(/\n*$/, "\n"));
    await write(io.stdout, `\n${paint(io.stdout, "bold", name)}${isWhole ? "" : ", the beginning"}\n${text}`);
  }
}

function factsOf(agent: Shown): [string, string][] {
  const { typical, allowedTools, deniedTools } = agent;
  const facts: Record<string, string | undefined> = {
    agent: agent.name,
    folder: agent.workspace,
    "what for": agent.description,
    framework: agent.framework,
    model: typeof agent.model === "object" ? JSON.stringify(agent.model) : agent.model,
    "permission mode": agent.permissionMode,
    "allowed tools": allowedTools && (allowedTools.join(", ") || "none"),
    "denied tools": deniedTools && (deniedTools.join(", ") || "none"),
    timeout: agent.timeoutSeconds === undefined ? undefined : formatDuration(agent.timeoutSeconds * 1000),
    budget: agent.maxBudgetUsd === undefined ? undefined : `$${agent.maxBudgetUsd}`,
    "most tokens": agent.maxTokens === undefined ? undefined : String(agent.maxTokens),
    stacks: agent.stacks.join(", "),
    databases: agent.databases.join(", "),
    "MCP servers": agent.mcpServers.join(", "),
    usually: typical && usually(typical),
  };
  return Object.entries(facts).filter((fact): fact is [string, string] => Boolean(fact[1]));
}

function usually({
  tasks,
  failed,
  medianSeconds,
  p90Seconds,
  medianCostUsd,
  p90CostUsd,
}: NonNullable<Agent["typical"]>) {
  const time = `${formatDuration(medianSeconds * 1000)}, nine of ten within ${formatDuration(p90Seconds * 1000)}`;
  const cost =
    medianCostUsd === undefined
      ? ""
      : `; $${medianCostUsd.toFixed(4)}, within $${(p90CostUsd ?? medianCostUsd).toFixed(4)}`;
  return `${time}${cost} (${tasks} tasks, ${failed} failed)`;
}
