import { type Command, Option } from "commander";
import { protocols } from "../../contract/kinds.ts";
import { parseAddress, splitNames } from "./arguments.ts";
import { asCalledHere } from "./command-name.ts";
import type { Bind } from "./context.ts";

/** The commands that set a machine up, and say what there is. Each loads what it needs when it runs. */
export function addSetup(program: Command, withPlace: (command: Command) => Command, { context, done }: Bind): void {
  const command = (name: string, description: string) =>
    withPlace(program.command(name).description(description)).option("--json", "print JSON");
  addInit(program, { context, done });
  addBridge(program);
  command("check", "Say whether a runtime profile could run, without starting anything; exits with 1 if it could not.")
    .argument("[runtime]", "its name; the default one without it")
    .action(async (runtime, options) => {
      const { check } = await import("./commands/setup.ts");
      done(await check(context, runtime, options));
    });
  const config = program.command("config").summary("The configuration file.").description("The configuration file.");
  withPlace(config.command("check", { isDefault: true }))
    .description(
      "Say what the configuration means, or every mistake in it with its path; exits with 1 if there is one.",
    )
    .option("--json", "print JSON")
    .action(async (options) => {
      const { checkConfig } = await import("./commands/config-check.ts");
      done(await checkConfig(context, options));
    });
  command(
    "doctor",
    "Say what there is on this machine: the agent programs with their versions and whether they are logged in, what a run " +
      "would use, whether a runtime profile could run, and which assistants know us. Asks no model; exits with 1 where " +
      "something cannot work.",
  )
    .summary("Say what is installed, logged in, connected and used, and what to do about the rest.")
    .argument("[profile]", "the runtime profile to check; the default one without it")
    .action(async (profile, options) => {
      const { doctor } = await import("./commands/doctor.ts");
      done(await doctor(context, profile, options));
    });
  command("runtimes", "List the runtime profiles that a run may name.").action(async (options) => {
    const { runtimes } = await import("./commands/setup.ts");
    done(await runtimes(context, options));
  });
  command("accounts", "List the accounts of the configuration.").action(async (options) => {
    const { accounts } = await import("./commands/setup.ts");
    done(await accounts(context, options));
  });
  command("capabilities", "List what the adapters that are here can serve.").action(async (options) => {
    const { capabilities } = await import("./commands/setup.ts");
    done(await capabilities(context, options));
  });
}

/** The launcher starts the bridge itself, without any of this: here it is described, and started where nothing else did. */
function addBridge(program: Command): void {
  program
    .command("bridge")
    .alias("serve")
    .summary("An MCP server on standard input and output, for assistants that start one.")
    .description(
      "An MCP server on standard input and output, in front of a deployed endpoint, with every request signed, or of the " +
        "local system, which is started if none runs. `init` registers it with assistants.",
    )
    .option("--endpoint <url>", "the address of the endpoint")
    .option("--stack <name>", "the stack whose output Endpoint is the address")
    .option("--region <name>", "what requests are signed for, where the host does not say it; or where the stack is")
    .option("--service <name>", "the same: execute-api, lambda or bedrock-agentcore")
    .option("--profile <name>", "a profile of the AWS configuration")
    .option("--config <file>", "the configuration of the local system")
    .option("--state-dir <folder>", "the state folder of the local system")
    .option("--log-level <level>", "what is told on standard error: debug, info, warn or error")
    .action(async () => {
      await (await import("../bridge/main.ts")).ended;
    });
}

function addInit(program: Command, { context, done }: Bind): void {
  program
    .command("init")
    .summary("Write a configuration file, and register with assistants.")
    .description(
      "Writes a configuration file for this machine or, with an option that names something on AWS, for Amazon Bedrock " +
        "AgentCore; with --client it registers the bridge with assistants. On a terminal it asks what is not said. What " +
        "changes is shown first.",
    )
    .option("--region <name>", "the AWS region; with --endpoint or --stack theirs")
    .option("--runtime-arn <arn>", "the AgentCore runtime whose sessions jobs get")
    .option("--image <uri>", "or the container image that a runtime is made from for each job")
    .option("--role <arn>", "with --image: the role of those runtimes")
    .addOption(new Option("--protocol <name>", "what the runtime speaks").choices(protocols))
    .option("--account <name>", "the account's name in the file; default aws")
    .option(
      "--client <names>",
      `assistants to register with, between commas, or all that are found: ${clients}`,
      splitNames,
    )
    .option("--remove", "take the registrations away, all of them unless --client names some")
    .option("--no-approve", "let the assistants ask before each call")
    .option("--endpoint <url>", "register with that deployed endpoint", parseAddress)
    .option("--stack <name>", "register with the endpoint of that stack")
    .option("--service <name>", "with --endpoint: what requests are signed for, where the host does not say it")
    .option("--profile <name>", "with --endpoint or --stack: the AWS profile whose credentials are used")
    .option("--config <file>", "the file to write, or to register with; default agentdispatch.config.json")
    .option("--state-dir <folder>", "register with the system that keeps its state there")
    .option("--force", "replace a file that is there")
    .option("--yes", "ask nothing")
    .option("--dry-run", "change nothing, and show what would change")
    .option("--json", "print JSON")
    .addHelpText("after", () => asCalledHere(initHelp))
    .action(async (options) => {
      const { init } = await import("./commands/init.ts");
      done(await init(context, options));
    });
}

const clients = "claude-code, codex, gemini, opencode, cursor, vscode";

const initHelp = `
Examples:
  agent-dispatch init                                        ask what there is to know
  agent-dispatch init --client claude-code,codex             connect them to the system on this machine
  agent-dispatch init --region us-west-2 --runtime-arn arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/agent-AbCdEf1234
  agent-dispatch init --stack AgentDispatch --client all     connect all that are found to a deployed stack
  agent-dispatch init --remove                               take the registrations away`;
