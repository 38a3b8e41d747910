import { type Command, Option } from "commander";
import { parseAddress } from "../arguments.ts";

/** The options that name a local system. */
export const withLocalPlace = (command: Command): Command =>
  command
    .option("--config <file>", "the configuration file; default agentdispatch.config.json, if it is there")
    .option("--state-dir <folder>", "where the system keeps its state; overrides the configuration")
    .option("--no-color", "no colours; NO_COLOR in the environment means the same");

/** The options that name a system, on this machine or elsewhere. */
export function withPlace(command: Command): Command {
  const elsewhere = [
    new Option("--endpoint <url>", "the address of its MCP endpoint").argParser(parseAddress),
    new Option("--stack <name>", "or the CloudFormation stack that it was deployed as"),
    new Option("--region <name>", "where it is, if the address does not say it"),
    new Option("--profile <name>", "the AWS profile whose credentials are used"),
  ];
  withLocalPlace(command);
  for (const option of elsewhere) command.addOption(option.helpGroup("A deployed system:"));
  return command;
}
