import type { Clarification } from "../../contract/tools/spawn-cloud-agent.ts";
import type { TaskHandle } from "../../contract/tools/task-handle.ts";
import { commandName } from "./command-name.ts";
import { USAGE_ERROR } from "./exit-code.ts";
import { type Io, write } from "./io.ts";
import { oneLine, paint, printJson } from "./print.ts";
import type { RunOptions } from "./run-call.ts";
import { placeWords } from "./systems/place.ts";

/** What a dispatch was answered with: the task, or what has to be answered first. Resolves with the exit code. */
export async function printHandle(io: Io, options: RunOptions, handle: TaskHandle | Clarification): Promise<number> {
  if (handle.status === "needs_clarification") return printClarification(io, options, handle);
  const id = handle.taskId;
  if (options.json) await printJson(io, handle);
  else {
    await write(io.stdout, `${id}\n`);
    const come = (word: string) => `${commandName()} ${word} ${id}${placeWords(options)}`;
    const next = handle.cached
      ? `answered by an earlier task, which ${come("result")} shows; --no-cache runs it anew`
      : `${come("logs")} --follow shows what it does`;
    await write(io.stderr, paint(io.stderr, "dim", `› ${next}\n`));
  }
  return 0;
}

/** With what a question is answered here; any other asks for a fact of the task. */
const answers: Readonly<Record<string, string>> = {
  instruction: "an instruction behind run",
  runtime: "--runtime <name>",
  framework: "--framework <name>",
  account_profile: "the account of a runtime profile in the configuration file",
  runtimeArn: "details.runtimeArn of a backend in the configuration file",
  ecrImageUri: "details.ecrImageUri of a backend in the configuration file",
  executionRoleArn: "details.defaultExecutionRoleArn of a backend in the configuration file",
};

/** What has to be answered before anything can run. */
export async function printClarification(io: Io, options: RunOptions, reply: Clarification): Promise<number> {
  if (options.json) await printJson(io, reply);
  for (const { id, question, choices = [] } of reply.questions) {
    const known = choices.length > 0 ? ` (${choices.map((choice) => oneLine(choice, 100)).join(", ")})` : "";
    await write(io.stderr, `${paint(io.stderr, "yellow", "question:")} ${oneLine(question)}${known}\n`);
    const answer = Object.hasOwn(answers, id) ? answers[id] : `--context ${oneLine(id, 100)}=…`;
    await write(io.stderr, `${paint(io.stderr, "dim", "hint:")} answer it with ${answer}\n`);
  }
  return USAGE_ERROR;
}
