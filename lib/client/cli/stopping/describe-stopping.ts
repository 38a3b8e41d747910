import { Argument, type Command } from "commander";
import { admissionActions } from "../../../contract/tools/stopping.ts";
import { parseSeconds } from "../arguments.ts";
import { asCalledHere } from "../command-name.ts";
import type { Bind } from "../context.ts";

type Describe = (name: string, description: string) => Command;

const action = () => new Argument("[action]", "what to do").choices(admissionActions).default("status");
const patience = "how long to wait until all is over: 40s, 5m";

/** The commands that say what runs, stop it, and keep more from beginning: for one's own tasks, and for a whole stack. */
export function addStopping(program: Command, withPlace: (command: Command) => Command, bind: Bind): void {
  addOwn((name, text) => withPlace(program.command(name).description(text)).option("--json", "print JSON"), bind);
  addAdmin(program, bind);
}

function addOwn(command: Describe, { context, done }: Bind): void {
  command(
    "sessions",
    "List what runs or bills right now: your tasks with a session, for how long, and what only waits.",
  )
    .summary("List what runs or bills right now.")
    .action(async (options) => done(await (await import("./own.ts")).sessions(context, options)));
  command(
    "stop-all",
    "Cancel all of your tasks, queued and running, end their sessions and delete the runtimes made only for them. Without --yes " +
      "nothing is stopped, and it says what would be. Ends with 0 when everything was verified as stopped, 75 when something is " +
      "still on its way, 1 when something could not be verified.",
  )
    .summary("Stop all of your tasks.")
    .option("--yes", "do it")
    .option("--timeout <time>", patience, parseSeconds, 60)
    .action(async (options) => done(await (await import("./own.ts")).stopAll(context, options)));
  command(
    "admission",
    "Pause the admission of your tasks (they are taken and wait, and what runs goes on), resume it, or say how it stands.",
  )
    .summary("Pause, or resume, the admission of your tasks.")
    .addArgument(action())
    .action(async (what, options) => done(await (await import("./own.ts")).admission(context, what, options)));
}

function addAdmin(program: Command, { context, done }: Bind): void {
  const group = program
    .command("admin")
    .summary("The same for a whole deployed stack, with an operator's own credentials.")
    .description(
      "What an operator does with a whole deployed stack and the tasks of everybody. The credentials need lambda:InvokeFunction " +
        "on the function that the stack's output OperatorFunctionArn names.",
    )
    .addHelpText("after", () => asCalledHere(adminHelp));
  const command: Describe = (name, text) =>
    group
      .command(name)
      .description(text)
      .option("--stack <name>", "the CloudFormation stack; default that of AGENTDISPATCH_STACK")
      .option("--region <name>", "where it is")
      .option("--profile <name>", "the AWS profile whose credentials are used")
      .option("--no-color", "no colours; NO_COLOR in the environment means the same")
      .option("--json", "print JSON");
  command(
    "sessions",
    "List what runs or bills right now, of everybody, and the runtimes that were made for tasks.",
  ).action(async (options) => done(await (await import("./admin.ts")).sessions(context, options)));
  command("stop-all", "Stop the tasks of everybody, as stop-all does. Without --yes it says what would be stopped.")
    .option("--yes", "do it")
    .option("--runtimes", "delete the runtimes that tasks share too, once nothing uses them")
    .option("--timeout <time>", patience, parseSeconds, 300)
    .action(async (options) => done(await (await import("./admin.ts")).stopAll(context, options)));
  command("admission", "Pause the admission of everybody's tasks, resume it, or say how it stands.")
    .addArgument(action())
    .action(async (what, options) => done(await (await import("./admin.ts")).admission(context, what, options)));
}

const adminHelp = `
Examples:
  agent-dispatch admin sessions --stack agent-dispatch
  agent-dispatch admin admission pause --stack agent-dispatch
  agent-dispatch admin stop-all --stack agent-dispatch --yes --runtimes`;
