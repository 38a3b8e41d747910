import { Command, Option } from "commander";
import manifest from "../../../package.json" with { type: "json" };
import { protocols, targetModes } from "../../contract/kinds.ts";
import { addAgents } from "./agents/describe-agents.ts";
import { collectPairs, parseAddress, parsePort, parseSeconds, storeKinds } from "./arguments.ts";
import { asCalledHere } from "./command-name.ts";
import { addCompletion } from "./completion/describe-completion.ts";
import { DEFAULT_PORT } from "./connecting.ts";
import type { Bind, Context } from "./context.ts";
import { addSetup } from "./describe-setup.ts";
import { addGroups } from "./groups/describe-groups.ts";
import { write } from "./io.ts";
import { addKeeping } from "./keeping/describe-keeping.ts";
import { addOrchestration } from "./orchestration/describe-orchestration.ts";
import { addStopping } from "./stopping/describe-stopping.ts";
import { withLocalPlace, withPlace } from "./systems/describe-place.ts";
import { addTasks } from "./tasks/describe-tasks.ts";

/**
 * The whole command line. `done` is told the exit code of the command that ran. What a command needs is loaded when it runs.
 */
export function describe(context: Context, done: (exitCode: number) => void): Command {
  const { io } = context;
  const program = new Command("agent-dispatch")
    .description("Hands long-running jobs to agents and programs, and brings back their output and result.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void write(io.stdout, text),
      writeErr: (text) => void write(io.stderr, text),
    })
    .showHelpAfterError("hint: --help shows how it is used")
    .version(manifest.version, "--version", "print the version")
    .helpCommand("help [command]", "Show how a command is used.")
    .addHelpText("after", () => asCalledHere(programHelp));
  const bind = { context, done };
  addRun(program, bind);
  addLocal(program, bind);
  addTasks(program, withPlace, bind);
  addStopping(program, withPlace, bind);
  addAgents((name, text) => withPlace(program.command(name).description(text)).option("--json", "print JSON"), bind);
  addGroups(program, withPlace, bind);
  addKeeping(program, withPlace, bind);
  addOrchestration(program, withPlace, bind);
  addSetup(program, withPlace, bind);
  addCompletion(program, bind);
  return program;
}

function addRun(program: Command, { context, done }: Bind): void {
  withPlace(program.command("run"))
    .summary("Run a command or an instruction and wait for its result.")
    .description(
      "Runs one task and shows its output while it runs; ends with the job's own exit code (124 timed out, 127 no such " +
        "program, 130 cancelled, 2 when something has to be changed first). Uses the local system that runs, or starts " +
        "one for this run and leaves nothing of it behind. Ctrl-C cancels the task; a reader that leaves, such as head, " +
        "does not.",
    )
    .argument("[instruction]", "what an agent is to do")
    .option("--command <line>", "run a program instead: its words are split as a shell does, but no shell runs")
    .option("--cwd <folder>", "the folder to run in; for --command the current one unless said otherwise")
    .option("--stdin <text>", "with --command: its standard input; - passes on what this command reads")
    .option("--shell", "with --command: let a shell run the line")
    .option("--env <NAME=value>", "a variable for the job's environment; may be given again", collectPairs)
    .option("--runtime <name>", "the runtime profile that the agent runs with")
    .option("--group <name>", "the group whose facts the agent is told; it has to be a member")
    .option(
      "--framework <name>",
      "the agent framework: claude-code, codex, gemini, opencode, strands, echo, or one of your own; without it that of the " +
        "profile, else the first that is installed",
    )
    .option("--model <name>", "the agent's model")
    .addOption(new Option("--protocol <name>", "what the agent's runtime speaks").choices(protocols))
    .option("--context <name=value>", "a fact for the agent; may be given again", collectPairs)
    .option("--goal <text>", "the larger purpose, which the agent is told")
    .option("--caller <text>", "who asks, which the agent is told")
    .option("--metadata <name=value>", "kept with the task; may be given again", collectPairs)
    .addOption(
      new Option("--target-mode <mode>", "a session on a runtime that exists, or a runtime made for the task").choices(
        targetModes,
      ),
    )
    .option("--runtime-arn <arn>", "the AgentCore runtime whose session the agent gets")
    .option("--ecr-image-uri <uri>", "the container image that a runtime is made from for the agent")
    .option("--execution-role-arn <arn>", "the role of a runtime that is made")
    .option(
      "--continue [task]",
      "go on with the agent of that task, by its id or its first digits; else of the last one",
    )
    .option("--conversation <id>", "go on with that conversation, of which each turn waits for the one before it")
    .addOption(new Option("--response-format <kind>", "what the agent answers with: one JSON value").choices(["json"]))
    .option("--schema <file>", "with --response-format json: the JSON Schema that it has to fit")
    .option("--cache", "take the answer to the same request, if one is kept; by default as cache.ttlSeconds says")
    .option("--no-cache", "run anew, whatever is kept")
    .option("--timeout <time>", "how long it may take: 90s, 5m, 2h", parseSeconds)
    .option("--idempotency-key <key>", "the same run under the same key happens once")
    .option("--quiet", "say nothing besides what the job writes and answers")
    .option("--detach", "print the task's id and leave; needs a local system that runs")
    .option("--json", "print one JSON object at the end; the job's output goes to standard error")
    .addHelpText("after", () => asCalledHere(runHelp))
    .action(async (instruction, options) => {
      const { run } = await import("./commands/run.ts");
      done(await run(context, instruction, options));
    });
}

function addLocal(program: Command, { context, done }: Bind): void {
  const group = program
    .command("local")
    .summary("The system on this machine: start, stop, status.")
    .description("The system on this machine. Without a further word it is started.")
    .addHelpText("after", () => asCalledHere(localHelp));
  withLocalPlace(group.command("start", { isDefault: true }))
    .description("Start the system in the foreground; Ctrl-C stops it, and its tasks resume on the next start.")
    .option("--port <number>", "the port on 127.0.0.1; 0 takes a free one", parsePort, DEFAULT_PORT)
    .addOption(new Option("--store <kind>", "where tasks are kept").choices(storeKinds).default("sqlite"))
    .option("--table <name>", "with --store dynamodb: its table, which no other system uses")
    .option("--endpoint <url>", "with --store dynamodb: a stand-in for DynamoDB; the table is made there", parseAddress)
    .option("--region <name>", "with --store dynamodb: the region of the table")
    .option("--until-idle <time>", "end once there was nothing to do for that long: 90s, 10m, 2h", parseSeconds)
    .option("--quiet", "do not say how to connect, nor tell of each task")
    .option("--json", "print where it listens as JSON")
    .action(async (options) => {
      const { start } = await import("./commands/local.ts");
      done(await start(context, options));
    });
  withPlace(group.command("stop"))
    .description("Stop the system that runs and wait until it has ended.")
    .option("--json", "print JSON")
    .action(async (options) => {
      const { stop } = await import("./commands/local.ts");
      done(await stop(context, options));
    });
  withPlace(group.command("status"))
    .description("Say whether the system runs, where, and how many tasks it has; exits with 1 if it does not run.")
    .option("--json", "print JSON")
    .action(async (options) => {
      const { status } = await import("./commands/local.ts");
      done(await status(context, options));
    });
}

const programHelp = `
Examples:
  agent-dispatch run --command 'git --version'      run a program and see its output
  agent-dispatch run "Say hello"                    run an agent, in the first framework that is installed
  agent-dispatch doctor                             see which agents there are, and whether they are logged in
  agent-dispatch add api ~/code/api                 make an agent of a folder
  agent-dispatch test api                           give it a small task
  agent-dispatch local                              start the system that assistants connect to`;

const runHelp = `
Examples:
  agent-dispatch run --command 'npm test' --cwd ~/project --timeout 10m
  agent-dispatch run --command 'sort | uniq -c' --shell --stdin - < words.txt
  agent-dispatch run "Summarize the open questions" --runtime research --context topic=storage
  agent-dispatch run "Fix the failing test" --cwd ~/project --framework codex
  agent-dispatch run "Now write the summary" --continue
  agent-dispatch run "Write the report" --detach`;

const localHelp = `
Examples:
  agent-dispatch local                        start on port ${DEFAULT_PORT}
  agent-dispatch local --port 0 --json        start on any port, and print where it listens
  agent-dispatch local --store dynamodb --table tasks --endpoint http://127.0.0.1:8000
  agent-dispatch local stop`;
