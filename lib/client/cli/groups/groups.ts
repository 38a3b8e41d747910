import { defined } from "../../../contract/json.ts";
import type { ToolResult } from "../../../contract/tools/index.ts";
import { ask, whereAgentsLive } from "../ask.ts";
import { sign } from "../check-text.ts";
import { commandName } from "../command-name.ts";
import type { Context } from "../context.ts";
import { harmless } from "../harmless.ts";
import { type Io, write } from "../io.ts";
import { oneLine, paint, printJson, table } from "../print.ts";
import type { Place } from "../systems/place.ts";

/** A member as it is written: its agent, and what that is for. */
export type GivenMember = { agent: string; use_for?: string };
type Options = Place & { json?: boolean };
type Texts = { description?: string; sharedContext?: string };
type Shown = ToolResult<"inspect_group">;

const textsOf = ({ description, sharedContext }: Texts) => defined({ description, shared_context: sharedContext });

/** `agent-dispatch group add <name>` */
export async function addGroup(
  context: Context,
  name: string,
  options: Options & Texts & { member?: GivenMember[]; dryRun?: boolean },
): Promise<number> {
  const { member: members, dryRun } = options;
  const args = { name, ...textsOf(options), ...defined({ members }), ...(dryRun && { dry_run: true }) };
  const group = await ask(context, await whereAgentsLive(context, options), "add_group", args);
  await show(context.io, options, group);
  if (!options.json)
    await write(context.io.stderr, `› ${dryRun ? "would be written to" : "written to"} ${oneLine(group.file, 4096)}\n`);
  return 0;
}

/** `agent-dispatch group list` */
export async function listGroups(context: Context, options: Options): Promise<number> {
  const { io } = context;
  const reply = await ask(context, options, "list_groups", {});
  if (options.json) await printJson(io, reply);
  else if (reply.items.length === 0)
    await write(io.stdout, `no groups; ${commandName()} group add makes one of agents\n`);
  for (const { name, description, members } of options.json ? [] : reply.items) {
    await write(io.stdout, `${paint(io.stdout, "bold", oneLine(name))}  ${oneLine(description)}`.trimEnd());
    await write(io.stdout, `\n${membersText(io, members)}`);
  }
  if (reply.more && !options.json) await write(io.stderr, paint(io.stderr, "dim", `and ${reply.more} more\n`));
  return 0;
}

/** `agent-dispatch group inspect <name>` */
export async function inspectGroup(context: Context, name: string, options: Options): Promise<number> {
  await show(context.io, options, await ask(context, options, "inspect_group", { name }));
  return 0;
}

/** `agent-dispatch group update <name>` */
export async function updateGroup(
  context: Context,
  name: string,
  options: Options & Texts & { addMember?: GivenMember[]; removeMember?: string[] },
): Promise<number> {
  const { addMember: add_members, removeMember: remove_members } = options;
  const args = { name, ...textsOf(options), ...defined({ add_members, remove_members }) };
  await show(context.io, options, await ask(context, await whereAgentsLive(context, options), "update_group", args));
  return 0;
}

/** `agent-dispatch group remove <name>` */
export async function removeGroup(context: Context, name: string, options: Options): Promise<number> {
  const removed = await ask(context, await whereAgentsLive(context, options), "remove_group", { name });
  if (options.json) await printJson(context.io, removed);
  else await write(context.io.stdout, `${oneLine(removed.name)} is no group any more; its agents stay\n`);
  return 0;
}

async function show(io: Io, { json }: Options, group: Shown): Promise<void> {
  if (json) return printJson(io, group);
  await write(io.stdout, `${paint(io.stdout, "bold", oneLine(group.name))}\n`);
  const texts = { "how to work with it": group.description, "what its members are told": group.shared_context };
  for (const [title, text] of Object.entries(texts))
    if (text !== "")
      await write(io.stdout, `\n${paint(io.stdout, "dim", title)}\n${harmless(io.stdout, text.trimEnd())}\n`);
  await write(io.stdout, `\n${membersText(io, group.members)}`);
}

function membersText(io: Io, members: Shown["members"]): string {
  if (members.length === 0) return "  no members\n";
  return table(
    members.map(({ agent, use_for, healthy, unknown, directory }) => [
      `  ${unknown || healthy !== undefined ? sign(io, healthy ? "pass" : "fail") : ""}`,
      oneLine(agent),
      oneLine(unknown ? "no agent has that name any more" : (use_for ?? "")),
      oneLine(directory ?? "", 4096),
    ]),
  );
}
