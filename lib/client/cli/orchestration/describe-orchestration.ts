import type { Command } from "commander";
import { parseCount, parseSeconds } from "../arguments.ts";
import { asCalledHere } from "../command-name.ts";
import type { Bind } from "../context.ts";

/** The commands for several agents at once; each loads what it needs when it runs. */
export function addOrchestration(
  program: Command,
  withPlace: (command: Command) => Command,
  { context, done }: Bind,
): void {
  const whole = (name: string, summary: string, text: string) =>
    withPlace(program.command(name).summary(summary).description(text))
      .option("--timeout <time>", "how long the whole may take: 90s, 5m, 2h", parseSeconds)
      .option("--idempotency-key <key>", "the same under the same key happens once")
      .option("--quiet", "say nothing besides the answer")
      .option("--detach", "print the task's id and leave; needs a local system that runs")
      .option("--json", "print one JSON object at the end");
  whole(
    "parallel",
    "Have several agents work at the same time.",
    "Has several agents work at the same time, each at a task of its own, and prints what they came to, in order. Ends with 0 when " +
      "the whole succeeded, failures of single agents among it. Ctrl-C cancels all.",
  )
    .argument("<file>", "a JSON list of {agent, task}, with the further fields of a task; - for standard input")
    .option("--max-parallel <count>", "how many work at once", parseCount(100))
    .option("--fail-fast", "the first that does not succeed ends all")
    .option("--aggregate <agent>", "the agent that makes one answer of all")
    .addHelpText("after", () => asCalledHere(parallelHelp))
    .action(async (file, options) => done(await (await import("./parallel.ts")).parallel(context, file, options)));
  whole(
    "dialogue",
    "Let two agents talk until a topic is settled.",
    "Lets two agents take turns about a topic, until one says that it is resolved or the rounds are over, and prints what was said.",
  )
    .argument("<requester>", "the agent that has the question")
    .argument("<responder>", "the agent that knows more, and begins")
    .argument("<topic>", "what it is about")
    .option("--max-rounds <count>", "turns of each: 3, at most 10", parseCount(10))
    .option("--goal <text>", "the larger purpose, which both are told")
    .action(async (requester, responder, topic, options) =>
      done(await (await import("./dialogue.ts")).dialogue(context, { requester, responder, topic }, options)),
    );
  withPlace(program.command("tree"))
    .summary("Show a task with all that it dispatched.")
    .description("Shows a task with all that it dispatched, and what these did, and how each stands.")
    .argument("<id>", "the task's id, or the first digits of it")
    .option("--json", "print JSON")
    .action(async (id, options) => done(await (await import("./tree.ts")).tree(context, id, options)));
}

const parallelHelp = `
Examples:
  agent-dispatch parallel tasks.json --max-parallel 5 --aggregate lead
  echo '[{"agent": "api", "task": "list open bugs"}, {"agent": "web", "task": "list open bugs"}]' | agent-dispatch parallel -`;
