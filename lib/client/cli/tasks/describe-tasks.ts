import { type Command, InvalidArgumentError, Option } from "commander";
import { statuses } from "../../../contract/lifecycle.ts";
import { collectPairs, parseCount, parseOffset, parseSeconds } from "../arguments.ts";
import type { Bind } from "../context.ts";

/** The commands about tasks that there are. Each loads what it needs when it runs. */
export function addTasks(program: Command, withPlace: (command: Command) => Command, bind: Bind): void {
  const command = (parent: Command, name: string, description: string, options?: { isDefault: boolean }) =>
    withPlace(parent.command(name, options).description(description)).option("--json", "print JSON");
  addReading((name, description) => command(program, name, description), bind);
  addArtifacts(program, command, bind);
  addSteering((name, description) => command(program, name, description), bind);
}

type Describe = (name: string, description: string) => Command;

const taskId = "the task's id, or the first digits of it";
const ownCode = "Ends with the job's own exit code";

function addReading(command: Describe, { context, done }: Bind): void {
  command("list", "List tasks, the newest first; with --agents the agents that live in folders.")
    .summary("List tasks, or agents.")
    .option("--agents", "the agents, and whether they can work")
    .addOption(new Option("--status <status>", "only tasks that stand so").choices(statuses))
    .option("--limit <count>", "how many", parseCount(100), 20)
    .option("--cursor <cursor>", "go on where the list before ended; it says how")
    .option("--all", "all of them")
    .action(async ({ agents, ...options }) => {
      if (agents) return done(await (await import("../commands/agents.ts")).listAgents(context, options));
      done(await (await import("./list.ts")).list(context, options));
    });
  command("status", "Show how a task stands: what it is, what it waits for, what it took, how it ended.")
    .summary("Show how a task stands.")
    .argument("<id>", taskId)
    .action(async (id, options) => done(await (await import("./status.ts")).showStatus(context, id, options)));
  command("events", "Print the events of a task, one in a line; with --json each is a JSON object in a line.")
    .summary("Print the events of a task.")
    .argument("<id>", taskId)
    .option("-f, --follow", `go on until the task has ended. ${ownCode}`)
    .option("--after <sequence>", "only those with a greater number", parseSequence)
    .action(async (id, options) => done(await (await import("./events.ts")).showEvents(context, id, options)));
  command("logs", "Print what a task has written.")
    .argument("<id>", taskId)
    .option("-f, --follow", `go on until the task has ended. ${ownCode}`)
    .action(async (id, options) => done(await (await import("./logs.ts")).showLogs(context, id, options)));
  command(
    "wait",
    `Wait until tasks have ended. ${ownCode}, of several with the first that is not 0, or with 75 when one has not ended in ` +
      "time or asks for input.",
  )
    .summary("Wait until tasks have ended.")
    .argument("<ids...>", "the tasks' ids, or the first digits of them")
    .option("--timeout <time>", "how long to wait: 90s, 5m, 2h", parseSeconds)
    .option("--quiet", "say nothing; the exit code tells")
    .action(async (ids, options) => done(await (await import("./wait.ts")).wait(context, ids, options)));
  command(
    "result",
    `Print the result of a task, whole, its artifacts and how it ended. ${ownCode}, or with 75 while the task has not ended.`,
  )
    .summary("Print the result of a task, and how it ended.")
    .argument("<id>", taskId)
    .option("--offset <number>", "print its text from that character on, a page of it", parseOffset)
    .option("--max-chars <number>", "print so many characters of its text at most", parseCount(64_000))
    .option("--output <file>", "write the result to a file instead, which must not be there")
    .option("--force", "with --output: replace the file")
    .action(async (id, options) => done(await (await import("./result.ts")).showResult(context, id, options)));
}

function addArtifacts(
  program: Command,
  command: (parent: Command, name: string, description: string, options?: { isDefault: boolean }) => Command,
  { context, done }: Bind,
): void {
  const group = program
    .command("artifacts")
    .summary("The files that a task left: list them, or bring them here.")
    .description("The files that a task left. Without a further word they are listed: artifacts <id>")
    .addHelpText("after", artifactsHelp);
  command(group, "list", "List the files that a task left.", { isDefault: true })
    .argument("<id>", taskId)
    .action(async (id, options) => {
      done(await (await import("./artifacts.ts")).listArtifacts(context, id, options));
    });
  command(group, "get", "Bring files that a task left, checked by their sha256; prints where each is.")
    .argument("<id>", taskId)
    .argument("[names...]", "which ones, by name or id; all of them without it")
    .option("--to <folder>", "where to, made if it is missing", ".")
    .option("--force", "replace files that are there")
    .action(async (id, names, options) => {
      done(await (await import("./get-artifacts.ts")).getArtifacts(context, id, names, options));
    });
}

function addSteering(command: Describe, { context, done }: Bind): void {
  command("cancel", "Cancel a task and end everything it started, with the tasks that it dispatched.")
    .argument("<id>", taskId)
    .option("--no-cascade", "spare the tasks that it dispatched")
    .action(async (id, options) => done(await (await import("./cancel.ts")).cancel(context, id, options)));
  command(
    "send-task-input",
    "Answer what a task asks, or steer its agent while it works. The answers are kept and delivered once; says whether the " +
      "worker has them.",
  )
    .summary("Answer what a task asks, or steer its agent.")
    .argument("<id>", taskId)
    .option("--answer <key=value>", "an answer, by the key that status shows; may be repeated", collectPairs)
    .option("--answers <file>", "a JSON object with the answers; - for standard input")
    .option("--message <text>", "steer the agent instead")
    .action(async (id, options) => {
      done(await (await import("./send-task-input.ts")).sendTaskInput(context, id, options));
    });
  command(
    "a2a-send",
    "Answer what a task asks, or say something to its agent while it runs; prints what it says to that.",
  )
    .summary("Say something to the agent of a task.")
    .argument("<id>", taskId)
    .argument("[text]", "what to say, if not by --text")
    .option("--text <text>", "what to say")
    .option("--timeout <time>", "how long to wait for an answer: 10s, 40s", parseSeconds)
    .action(async (id, text, options) => done(await (await import("./send.ts")).send(context, id, text, options)));
}

function parseSequence(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new InvalidArgumentError("It is the number of an event.");
  return Number(text);
}

const artifactsHelp = `
Examples:
  agent-dispatch artifacts 1a2b3c4d
  agent-dispatch artifacts get 1a2b3c4d --to ./out
  agent-dispatch artifacts get 1a2b3c4d report.md --force`;
