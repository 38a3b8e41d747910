import { type Command, InvalidArgumentError } from "commander";
import { asCalledHere } from "../command-name.ts";
import type { Bind } from "../context.ts";
import type { GivenMember } from "./groups.ts";

const groupName = "the group's name";
const member = "an agent of it, as in api or api='the orders and their API'; may be given again";

/** The commands for groups of agents; each loads what it needs when it runs. */
export function addGroups(program: Command, withPlace: (command: Command) => Command, { context, done }: Bind): void {
  const group = program
    .command("group")
    .summary("Groups of agents that work on one thing: add, list, inspect, update, remove.")
    .description(
      "Groups of agents that work on one thing. A task that is dispatched for a group (run --group) tells its agent the facts " +
        "that the group shares.",
    )
    .addHelpText("after", () => asCalledHere(groupHelp));
  const command = (name: string, text: string) =>
    withPlace(group.command(name).description(text)).option("--json", "print JSON");
  const described = (added: Command) =>
    added
      .option("--description <text>", "how to work with it, for whoever dispatches; its members are not told")
      .option("--shared-context <text>", "facts that members are told with each task");

  described(command("add", "Make a group of agents that are there, in the configuration file."))
    .argument("<name>", groupName)
    .option("--member <agent[=use]>", member, collectMembers)
    .option("--dry-run", "check everything and write nothing")
    .action(async (name, options) => done(await (await import("./groups.ts")).addGroup(context, name, options)));
  command("list", "List the groups, and whether their members can work.").action(async (options) =>
    done(await (await import("./groups.ts")).listGroups(context, options)),
  );
  command("inspect", "Show how to work with a group, what its members share, and who they are.")
    .argument("<name>", groupName)
    .action(async (name, options) => done(await (await import("./groups.ts")).inspectGroup(context, name, options)));
  described(command("update", "Change a group; an empty text takes one away."))
    .argument("<name>", groupName)
    .option("--add-member <agent[=use]>", member, collectMembers)
    .option("--remove-member <agent>", "one that it has no more; may be given again", collectNames)
    .action(async (name, options) => done(await (await import("./groups.ts")).updateGroup(context, name, options)));
  command("remove", "Take a group out of the configuration file; its agents stay.")
    .argument("<name>", groupName)
    .action(async (name, options) => done(await (await import("./groups.ts")).removeGroup(context, name, options)));
}

function collectMembers(text: string, earlier: GivenMember[] = []): GivenMember[] {
  const [, agent = "", use] = /^([^=]*)(?:=([\s\S]*))?$/.exec(text) ?? [];
  if (agent === "") throw new InvalidArgumentError("Write it as agent, or agent='what it is for'.");
  return [...earlier, { agent, ...(use ? { use_for: use } : {}) }];
}

const collectNames = (text: string, earlier: string[] = []): string[] => [...earlier, text];

const groupHelp = `
Examples:
  agent-dispatch group add shop --member api='orders and their API' --member web --shared-context 'Stack shop-prod in eu-west-1'
  agent-dispatch run --runtime api --group shop "Which queue do orders go to?"`;
