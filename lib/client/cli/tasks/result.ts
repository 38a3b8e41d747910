import { isTerminal } from "../../../contract/lifecycle.ts";
import type { TaskResult } from "../../../contract/tools/get-task-result.ts";
import type { TaskRecord } from "../../../contract/tools/task-record.ts";
import type { ClientTask } from "../../sdk/task.ts";
import type { Context } from "../context.ts";
import { exitCodeOf, NOT_ENDED } from "../exit-code.ts";
import { harmless } from "../harmless.ts";
import { type Io, write } from "../io.ts";
import { printOutcome } from "../outcome.ts";
import { printJson } from "../print.ts";
import { outputText } from "../task-text.ts";
import { ageMs } from "./age.ts";
import { readingTask, type TaskOptions } from "./with-task.ts";
import { writeNewFile } from "./write-file.ts";

type ResultOptions = TaskOptions & { output?: string; force?: boolean; offset?: number; maxChars?: number };

/** `agent-dispatch result <id> [--output <file>]`: all of it. The exit code is the job's own, or 75 until it has ended. */
export function showResult(context: Context, text: string, options: ResultOptions): Promise<number> {
  return readingTask(context, options, text, async (task) => {
    const { io } = context;
    if (options.offset !== undefined || options.maxChars !== undefined) return showPage(io, task, options);
    const outcome = await task.result();
    if (!isTerminal(outcome.status)) {
      if (options.json) await printJson(io, outcome);
      else await write(io.stderr, `the task has not ended: it is ${outcome.status.replaceAll("_", " ")}\n`);
      return NOT_ENDED;
    }
    const record = await task.status();
    if (options.output !== undefined) {
      const content = options.json ? `${JSON.stringify(outcome, null, 2)}\n` : contentOf(record, outcome);
      await writeNewFile(options.output, [content], { force: options.force });
      await write(io.stderr, `› written to ${options.output}\n`);
    } else if (options.json) await printJson(io, outcome);
    else if (record.taskType === "command.run" && outcome.result !== undefined) await printJson(io, outcome.result);
    const shown = options.output === undefined ? outcome : { ...outcome, result: undefined };
    if (!options.json) await printOutcome(io, record, shown, { elapsedMs: ageMs(record), place: options });
    return exitCodeOf(outcome);
  });
}

/** A page of the text alone; where it goes on is said on standard error. */
async function showPage(io: Io, task: ClientTask, { offset, maxChars, json }: ResultOptions): Promise<number> {
  const page = await task.text({ offset, maxChars });
  const { text, nextOffset, status } = page;
  if (json) await printJson(io, page);
  else if (text === undefined) await write(io.stderr, `the task has not ended: it is ${status.replaceAll("_", " ")}\n`);
  else {
    await write(io.stdout, harmless(io.stdout, text));
    if (nextOffset !== undefined) await write(io.stderr, `\n› it goes on with --offset ${nextOffset}\n`);
  }
  return text === undefined ? NOT_ENDED : exitCodeOf(page);
}

/** What an agent answered, as its text; any other result as JSON. */
function contentOf({ taskType }: TaskRecord, { result }: TaskResult): string {
  const text = taskType === "agent.run" ? outputText(result) : undefined;
  const content = text ?? JSON.stringify(result ?? null, null, 2);
  return content.endsWith("\n") ? content : `${content}\n`;
}
