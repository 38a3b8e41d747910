import { type Configuration, type Group, own } from "../contract/configuration.ts";
import { InvalidInputError, RefusedError } from "../contract/errors.ts";
import type { Json } from "../contract/task.ts";

/** The group of that name. Throws RefusedError `group.not_found`. */
export function groupNamed({ groups }: Configuration, name: string): Group {
  const group = own(groups, name);
  if (group) return group;
  const known = Object.keys(groups).slice(0, 50);
  throw new RefusedError("group.not_found", `no group is named ${JSON.stringify(name.slice(0, 200))}`, {
    hint: known.length > 0 ? `there are: ${known.join(", ")}` : "none is configured; add_group makes one of agents",
    details: { choices: known },
  });
}

/** How to work with a group, for whoever dispatches to its members; undefined where nobody has said. Throws as `groupNamed`. */
export const briefFor = (configuration: Configuration, name: string): string | undefined =>
  groupNamed(configuration, name).description?.trim() || undefined;

/**
 * What a task of a member is told beside its own context: the facts that its group shares. Throws RefusedError
 * `group.not_found`, and InvalidInputError where the agent is no member.
 */
export function contextFor(configuration: Configuration, name: string, agent: string | undefined): Json {
  const { members, sharedContext } = groupNamed(configuration, name);
  if (!members.some((member) => member.agent === agent)) {
    const who = agent === undefined ? "a task of a group needs one of its agents" : `${agent} is no member of ${name}`;
    const names = members.map((member) => member.agent);
    throw new InvalidInputError([{ path: "group", message: who }], {
      hint: names.length > 0 ? `its members are: ${names.join(", ")}` : "it has no members; update_group adds them",
    });
  }
  const facts = sharedContext?.trim();
  return facts ? { [`Shared context (group ${name})`]: facts } : {};
}
