import { briefFor, groupNamed } from "../../config/groups.ts";
import { type Group, own } from "../../contract/configuration.ts";
import { DispatchError } from "../../contract/errors.ts";
import { defined } from "../../contract/json.ts";
import type { InspectedGroup } from "../../contract/tools/groups.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import type { Ports } from "../ports.ts";
import { checkRuntime } from "./check.ts";

type Configured = Pick<Ports, "backends" | "configuration">;
type Member = InspectedGroup["members"][number];

/** All groups, by name, with what each member is for and whether it can work. */
export async function listGroups(ports: Configured): Promise<ToolResult<"list_groups">> {
  const groups = Object.entries(ports.configuration().groups).sort(([a], [b]) => (a < b ? -1 : 1));
  const members = await membersOf(
    ports,
    groups.map(([, group]) => group),
  );
  return {
    items: groups.map(([name, group], n) => ({
      name,
      description: group.description ?? "",
      shared_context_present: Boolean(group.sharedContext?.trim()),
      member_count: group.members.length,
      members: (members[n] ?? []).map(({ directory: _, description: __, ...member }) => member),
    })),
  };
}

/** All that is known of a group. Throws RefusedError `group.not_found`. */
export async function inspectGroup(ports: Configured, name: string): Promise<InspectedGroup> {
  const group = groupNamed(ports.configuration(), name);
  const [members = []] = await membersOf(ports, [group]);
  return {
    name,
    description: briefFor(ports.configuration(), name) ?? "",
    shared_context: group.sharedContext ?? "",
    member_count: group.members.length,
    members,
  };
}

/** The members of each; one that is in several is looked at once. */
async function membersOf(ports: Configured, groups: readonly Group[]): Promise<Member[][]> {
  const names = new Set(groups.flatMap(({ members }) => members.map(({ agent }) => agent)));
  const known = new Map(await Promise.all([...names].map(async (name) => [name, await stateOf(ports, name)] as const)));
  return groups.map(({ members }) =>
    members.map(({ agent, useFor }) => ({ agent, ...defined({ use_for: useFor }), ...known.get(agent) })),
  );
}

async function stateOf(ports: Configured, name: string): Promise<Omit<Member, "agent" | "use_for">> {
  const profile = own(ports.configuration().runtimes, name);
  if (!profile) return { unknown: true };
  const { workspace: directory, description } = profile;
  return { ...defined({ directory, description }), healthy: await canWork(ports, name) };
}

async function canWork(ports: Configured, runtime: string): Promise<boolean> {
  try {
    return (await checkRuntime(ports, { runtime, live: false })).ok;
  } catch (error) {
    if (error instanceof DispatchError) return false;
    throw error;
  }
}
