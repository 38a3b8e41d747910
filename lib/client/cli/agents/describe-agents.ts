import { type Command, InvalidArgumentError, Option } from "commander";
import { permissionModes } from "../../../contract/kinds.ts";
import { parseAmount, parseCount, parseSeconds, splitNames } from "../arguments.ts";
import type { Bind } from "../context.ts";
import { settingOptions } from "./setting-options.ts";

const MAX_TOKENS = 1_000_000_000;
const agentName = "the agent's name";

/** The commands for agents that live in folders; `command` makes one with the options that all have. */
export function addAgents(command: (name: string, description: string) => Command, { context, done }: Bind): void {
  withSettings(
    command(
      "add",
      "Make an agent of a project's folder, in the configuration file. The folder is trusted from then on: its settings, " +
        "hooks and MCP servers steer the agent.",
    ).summary("Make an agent of a project's folder."),
  )
    .argument("<name>", agentName)
    .argument("[folder]", "its folder; the current one without it")
    .option("--dry-run", "check everything and write nothing")
    .action(async (name, folder, options) => {
      const { add } = await import("../commands/agents.ts");
      done(await add(context, name, folder, options));
    });
  withSettings(command("update", "Change what is configured of an agent."))
    .argument("<name>", agentName)
    .option("--workspace <folder>", "another folder, which is trusted from then on")
    .option("--unset <options>", "take these away, as in --unset model,timeout", parseUnset)
    .action(async (name, options) => {
      const { update } = await import("../commands/agents.ts");
      done(await update(context, name, options));
    });
  command("remove", "Take an agent out of the configuration file; its folder stays as it is.")
    .argument("<name>", agentName)
    .action(async (name, options) => {
      const { remove } = await import("../commands/agents.ts");
      done(await remove(context, name, options));
    });
  command("describe", "Show all that is known of an agent: what guides it, whether it can work, what it usually takes.")
    .summary("Show all that is known of an agent.")
    .argument("<name>", agentName)
    .option("--lines <count>", "of each file that guides it", parseCount(200))
    .action(async (name, options) => {
      const { describeAgent } = await import("../commands/agents.ts");
      done(await describeAgent(context, name, options));
    });
  command("test", "Give an agent, or any runtime profile, a small task, and show its answer and what that took.")
    .argument("<profile>", "the agent's name, or that of any runtime profile")
    .argument("[task]", "what it is to do; without it, to say what and where it is")
    .option("--stream", "show what it does meanwhile")
    .option("--timeout <time>", "how long it may take: 90s, 5m, 2h", parseSeconds)
    .action(async (name, task, options) => {
      const { test } = await import("../commands/agents.ts");
      done(await test(context, name, task, options));
    });
  command("import", "Make agents of those in an agents.yaml of the Python program agent-dispatch.")
    .argument("<file>", "the file, such as ~/.config/agent-dispatch/agents.yaml")
    .option("--dry-run", "say what would be made, and what would be left out")
    .action(async (file, options) => {
      const { importAgents } = await import("../commands/import.ts");
      done(await importAgents(context, file, options));
    });
}

const withSettings = (command: Command): Command =>
  command
    .option("--description <text>", "what it is for; without it, made from the project's own files")
    .option("--instructions <text>", "what holds for each of its tasks")
    .option("--framework <name>", "the agent framework")
    .option("--model <name>", "its model")
    .addOption(new Option("--permission-mode <mode>", "what it may do without asking").choices(permissionModes))
    .option(
      "--allowed-tools <names>",
      "tools it may use without asking, as in Read,Bash(npm *); none for none",
      splitNames,
    )
    .option("--denied-tools <names>", "tools it may not use; none for none", splitNames)
    .option("--timeout <time>", "how long a task may take: 90s, 5m, 2h", parseSeconds)
    .option("--max-budget <usd>", "what a task may cost", parseAmount)
    .option("--max-tokens <count>", "how many tokens a task may take", parseCount(MAX_TOKENS));

function parseUnset(text: string): string[] {
  const names = splitNames(text);
  const unknown = names.find((name) => !Object.hasOwn(settingOptions, name));
  if (unknown === undefined) return names;
  throw new InvalidArgumentError(`There are: ${Object.keys(settingOptions).join(", ")}.`);
}
