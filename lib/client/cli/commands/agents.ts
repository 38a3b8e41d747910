import { resolve } from "node:path";
import { defined } from "../../../contract/json.ts";
import type { ToolArguments } from "../../../contract/tools/index.ts";
import { printAgent, printAgents } from "../agents/agent-view.ts";
import { settingOptions } from "../agents/setting-options.ts";
import { ask as askAnyone, whereAgentsLive } from "../ask.ts";
import type { Context } from "../context.ts";
import { write } from "../io.ts";
import { oneLine, printJson } from "../print.ts";
import type { Place } from "../systems/place.ts";
import { run } from "./run.ts";

type Options = Place & { json?: boolean };

const ask: typeof askAnyone = async (context, place, tool, args) =>
  askAnyone(context, await whereAgentsLive(context, place), tool, args);

/** What is said of an agent behind `add` and `update`. */
export type Settings = {
  description?: string;
  instructions?: string;
  framework?: string;
  model?: string;
  permissionMode?: NonNullable<ToolArguments<"add_agent">["permission_mode"]>;
  allowedTools?: string[];
  deniedTools?: string[];
  timeout?: number;
  maxBudget?: number;
  maxTokens?: number;
};

const settingsOf = (options: Settings) =>
  defined({
    description: options.description,
    instructions: options.instructions,
    framework: options.framework,
    model: options.model,
    permission_mode: options.permissionMode,
    allowed_tools: options.allowedTools,
    denied_tools: options.deniedTools,
    timeout_seconds: options.timeout,
    max_budget_usd: options.maxBudget,
    max_tokens: options.maxTokens,
  });

/** `agent-dispatch add <name> [folder]` */
export async function add(
  context: Context,
  name: string,
  folder: string | undefined,
  options: Options & Settings & { dryRun?: boolean },
): Promise<number> {
  const args = { name, workspace: resolve(folder ?? "."), ...settingsOf(options) };
  const agent = await ask(context, options, "add_agent", { ...args, ...(options.dryRun && { dry_run: true }) });
  if (options.json) await printJson(context.io, agent);
  else {
    await printAgent(context.io, agent);
    const what = options.dryRun ? "would be written to" : "written to";
    await write(context.io.stderr, `› ${what} ${oneLine(agent.file, 4096)}; its folder is trusted\n`);
  }
  return 0;
}

/** `agent-dispatch update <name>` */
export async function update(
  context: Context,
  name: string,
  options: Options & Settings & { workspace?: string; unset?: (keyof typeof settingOptions)[] },
): Promise<number> {
  const agent = await ask(context, options, "update_agent", {
    name,
    ...(options.workspace !== undefined && { workspace: resolve(options.workspace) }),
    ...settingsOf(options),
    ...(options.unset && { unset: options.unset.map((option) => settingOptions[option]) }),
  });
  if (options.json) await printJson(context.io, agent);
  else await printAgent(context.io, agent);
  return 0;
}

/** `agent-dispatch remove <name>` */
export async function remove(context: Context, name: string, options: Options): Promise<number> {
  const removed = await ask(context, options, "remove_agent", { name });
  if (options.json) await printJson(context.io, removed);
  else
    await write(
      context.io.stdout,
      `${oneLine(removed.name)} is no agent any more; ${oneLine(removed.workspace, 4096)} stays as it is\n`,
    );
  return 0;
}

/** `agent-dispatch describe <name>` */
export async function describeAgent(
  context: Context,
  name: string,
  options: Options & { lines?: number },
): Promise<number> {
  const args = { name, ...(options.lines !== undefined && { preview_lines: options.lines }) };
  const agent = await ask(context, options, "inspect_agent", args);
  if (options.json) await printJson(context.io, agent);
  else await printAgent(context.io, agent, options);
  return 0;
}

/** `agent-dispatch list --agents` */
export async function listAgents(context: Context, options: Options): Promise<number> {
  const reply = await ask(context, options, "list_agents", {});
  if (options.json) await printJson(context.io, reply);
  else await printAgents(context.io, reply);
  return 0;
}

const TEST =
  "Say in two or three sentences what you are and what the folder is that you work in, and name the tools that you may use. Change nothing, and run nothing.";

/** `agent-dispatch test <profile> [task] [--stream]`: one task for a runtime profile, its answer, and what that took. */
export const test = (
  context: Context,
  name: string,
  task: string | undefined,
  { stream, ...options }: Options & { stream?: boolean; timeout?: number },
): Promise<number> => run(context, task ?? TEST, { ...options, runtime: name, onlyEnd: !stream });
