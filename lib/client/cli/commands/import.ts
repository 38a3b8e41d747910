import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { codeOf, DispatchError, InvalidInputError, type Problem } from "../../../contract/errors.ts";
import type { Client } from "../../sdk/client.ts";
import { type LeftOut, type PlannedAgent, type PlannedGroup, planImport } from "../agents/agents-yaml.ts";
import { asking, whereAgentsLive } from "../ask.ts";
import type { Context } from "../context.ts";
import { type Io, write } from "../io.ts";
import { oneLine, paint, printJson } from "../print.ts";
import type { Place } from "../systems/place.ts";
import { inTerms } from "../terms.ts";

const MAX_BYTES = 1024 * 1024;

type Taken = { name: string; imported: boolean; leftOut: LeftOut[]; error?: Problem };
type Imported = Taken & { workspace: string };
type Options = Place & { json?: boolean; dryRun?: boolean };

/**
 * `agent-dispatch import <file> [--dry-run]`: makes agents and groups of those in an `agents.yaml`. What is left out is named,
 * and one that is refused keeps no other from being made. Exits 1 if any was refused.
 */
export async function importAgents(context: Context, file: string, options: Options): Promise<number> {
  const { io } = context;
  const plan = planImport(await readBounded(resolve(file)));
  const { dryRun = false } = options;
  const { agents, groups } = await asking(context, await whereAgentsLive(context, options), async (client) => {
    const made = await takeAgents(client, plan.agents, options);
    return { agents: made, groups: await takeGroups(client, plan.groups, made, options) };
  });
  const written = agents.find((agent) => agent.file !== undefined)?.file;
  const items = agents.map(({ file: _, ...agent }) => agent);
  const { leftOut } = plan;
  if (options.json)
    await printJson(io, { ...(written !== undefined && { file: written }), dryRun, agents: items, groups, leftOut });
  else await print(io, items, { groups, dryRun, leftOut, ...(written !== undefined && { written }) });
  return [...items, ...groups].some(({ error }) => error) ? 1 : 0;
}

async function takeAgents(client: Client, agents: readonly PlannedAgent[], options: Options) {
  const { dryRun = false } = options;
  const done: (Imported & { file?: string })[] = [];
  for (const { call, leftOut } of agents) {
    const { name, workspace } = call;
    const made = await orRefusal(client.call("add_agent", { ...call, ...(dryRun && { dry_run: true }) }), options);
    if ("code" in made) done.push({ name, workspace, imported: false, leftOut, error: made });
    else done.push({ name, workspace, imported: !dryRun, leftOut, file: made.file });
  }
  return done;
}

/** Groups of the agents that there are by now, or would be. */
async function takeGroups(client: Client, groups: readonly PlannedGroup[], made: readonly Taken[], options: Options) {
  const { dryRun = false } = options;
  if (groups.length === 0) return [];
  const there = new Set((await client.call("list_agents", {})).items.map(({ name }) => name));
  const newly = new Set(made.flatMap(({ name, error }) => (error ? [] : [name])));
  const done: Taken[] = [];
  for (const { call, leftOut } of groups) {
    const { name, members = [] } = call;
    const strangers = members.filter(({ agent }) => !there.has(agent) && !newly.has(agent));
    const found = members.filter(({ agent }) => there.has(agent) || (!dryRun && newly.has(agent)));
    const asked = client.call("add_group", { ...call, members: found, ...(dryRun && { dry_run: true }) });
    const added = await orRefusal(asked, options);
    const without = strangers.map(({ agent }) => ({
      field: `members.${agent}`,
      reason: "no agent has that name here",
    }));
    const taken = { name, leftOut: [...leftOut, ...without] };
    done.push("code" in added ? { ...taken, imported: false, error: added } : { ...taken, imported: !dryRun });
  }
  return done;
}

const orRefusal = <T>(asked: Promise<T>, place: Place): Promise<T | Problem> =>
  asked.catch((error) => {
    if (!(error instanceof DispatchError)) throw error;
    return inTerms(error.problem, place);
  });

type Summary = { groups: readonly Taken[]; dryRun: boolean; leftOut: readonly LeftOut[]; written?: string };

async function print(
  io: Io,
  agents: readonly Imported[],
  { groups, dryRun, leftOut, written }: Summary,
): Promise<void> {
  const line = (text: string) => write(io.stdout, `${oneLine(text, 4096)}\n`);
  const omitted = ({ field, reason }: LeftOut) =>
    write(io.stdout, `  ${oneLine(`left out: ${field}: ${reason}`, 2000)}\n`);
  const outcome = async (what: string, { error, leftOut: of }: Taken, where: string) => {
    const how = error ? paint(io.stdout, "red", "refused") : dryRun ? "would be made" : "made";
    await write(io.stdout, `${how} ${oneLine(`${what}${error ? `: ${error.message}` : where}`, 4096)}\n`);
    for (const field of of) await omitted(field);
  };
  for (const agent of agents) await outcome(agent.name, agent, `: ${agent.workspace}`);
  for (const group of groups) await outcome(`group ${group.name}`, group, "");
  if (agents.length === 0) await line("there are no agents in it");
  if (leftOut.length > 0) await line("of the file");
  for (const field of leftOut) await omitted(field);
  if (written !== undefined)
    await write(
      io.stderr,
      `› ${dryRun ? "would be written to" : "written to"} ${oneLine(written, 4096)}; their folders are trusted\n`,
    );
}

/** The text of a file that is not too large. Throws InvalidInputError. */
async function readBounded(path: string): Promise<string> {
  const refused = (message: string) => new InvalidInputError([{ path, message }]);
  // A pipe would be waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error) => {
    throw refused(codeOf(error) === "ENOENT" ? "there is no such file" : `it cannot be read (${codeOf(error)})`);
  });
  try {
    const info = await file.stat();
    if (!info.isFile()) throw refused("it is no file");
    if (info.size > MAX_BYTES) throw refused(`it is larger than ${MAX_BYTES} bytes`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_BYTES), 0, MAX_BYTES, 0);
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, bytesRead));
  } catch (error) {
    throw error instanceof TypeError ? refused("it is no text in UTF-8") : error;
  } finally {
    await file.close();
  }
}
