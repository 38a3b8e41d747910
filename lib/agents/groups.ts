import { groupNamed } from "../config/groups.ts";
import type { Change } from "../config/json-edit.ts";
import { type Configuration, type Group, own } from "../contract/configuration.ts";
import { InvalidInputError } from "../contract/errors.ts";
import { defined } from "../contract/json.ts";
import type { Json } from "../contract/task.ts";
import type { ToolArguments } from "../contract/tools/index.ts";

type Member = Group["members"][number];
type Given = NonNullable<ToolArguments<"add_group">["members"]>[number];

/** What makes a group of agents that there are. Throws InvalidInputError. */
export function additionOf(known: Configuration, { name, ...call }: ToolArguments<"add_group">): Change[] {
  if (own(known.groups, name))
    throw new InvalidInputError([{ path: "name", message: `there is a group ${name} already` }], {
      hint: "choose another name; update_group changes a group that is there",
    });
  const members = (call.members ?? []).map(asMember);
  assertAgents(known, members);
  const value = defined({
    description: call.description || undefined,
    sharedContext: call.shared_context || undefined,
    members: members.map(bare),
  });
  return [{ path: ["groups", name], value }];
}

/** What changes the fields of a group that are given; an empty text takes one away. Throws InvalidInputError, RefusedError. */
export function updateOf(known: Configuration, call: ToolArguments<"update_group">): Change[] {
  const { name, description, shared_context, members, add_members = [], remove_members = [] } = call;
  const group = groupNamed(known, name);
  const at = (field: string) => ["groups", name, field];
  const strangers = remove_members.filter((agent) => !group.members.some((member) => member.agent === agent));
  if (strangers.length > 0)
    throw new InvalidInputError([{ path: "remove_members", message: `no members: ${strangers.join(", ")}` }]);
  const added = [...(members ?? []), ...add_members].map(asMember);
  assertAgents(known, added);
  const kept = (members ? [] : group.members).filter(({ agent }) => !remove_members.includes(agent));
  const changed = members !== undefined || add_members.length > 0 || remove_members.length > 0;
  // One that is there already gets what is said of it now.
  const next = [...kept.filter(({ agent }) => !added.some((member) => member.agent === agent)), ...added];
  return [
    ...(description === undefined ? [] : [{ path: at("description"), value: description || undefined }]),
    ...(shared_context === undefined ? [] : [{ path: at("sharedContext"), value: shared_context || undefined }]),
    ...(changed ? [{ path: at("members"), value: next.map(bare) }] : []),
  ];
}

const asMember = ({ agent, use_for }: Given): Member => ({ agent, ...(use_for !== undefined && { useFor: use_for }) });

/** As it is written down. */
const bare = ({ agent, useFor }: Member): Json => defined({ agent, useFor });

function assertAgents({ runtimes }: Configuration, members: readonly Member[]): void {
  const unknown = members.map(({ agent }) => agent).filter((agent) => !own(runtimes, agent));
  if (unknown.length === 0) return;
  const known = Object.keys(runtimes).slice(0, 50);
  throw new InvalidInputError([{ path: "members", message: `no agent is named ${unknown.join(", ")}` }], {
    hint: known.length > 0 ? `there are: ${known.join(", ")}` : "add_agent makes one of a folder",
  });
}
