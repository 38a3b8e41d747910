import { isTerminal } from "../../../contract/lifecycle.ts";
import type { TaskRecord } from "../../../contract/tools/task-record.ts";
import type { ClientTask } from "../../sdk/task.ts";
import type { Context } from "../context.ts";
import { exitCodeOf, NOT_ENDED } from "../exit-code.ts";
import { type Io, write } from "../io.ts";
import { formatDuration, oneLine, printJson } from "../print.ts";
import type { Place } from "../systems/place.ts";
import { whatOf } from "../task-text.ts";
import { ageMs } from "./age.ts";
import { questionOf } from "./question.ts";
import { paintStatus, shortId } from "./task-line.ts";
import { reading, type TaskOptions, taskOf } from "./with-task.ts";

type WaitOptions = TaskOptions & { timeout?: number; quiet?: boolean };

/**
 * `agent-dispatch wait <ids…> [--timeout]`: a line for each task as it ends. Resolves with the job's own exit code, of several
 * the first that is not 0 in the order in which they were named; 75 where one has not ended in time, or asks for input.
 */
export function wait(context: Context, texts: readonly string[], options: WaitOptions): Promise<number> {
  return reading(context, options, async (client) => {
    const { io } = context;
    const tasks: ClientTask[] = [];
    for (const text of texts) tasks.push(await taskOf(context, options, client, text));
    const limit = options.timeout === undefined ? {} : { timeoutMs: options.timeout * 1000 };
    const giveUp = new AbortController();
    const waiting = tasks.map(async (task) => {
      const record = await task.wait({ ...limit, signal: giveUp.signal });
      if (!options.json && !options.quiet) await write(io.stderr, waitedLine(io, record, options));
      return record;
    });
    const records = await Promise.all(waiting).finally(() => giveUp.abort());
    const codes = records.map((record) => (isTerminal(record.status) ? exitCodeOf(record) : NOT_ENDED));
    const [first] = records;
    if (options.json) {
      const items = records.map((record, index) => ({ ...record, exitCode: codes[index] }));
      await printJson(io, first && records.length === 1 ? items[0] : { items });
    }
    return codes.find((code) => code !== 0) ?? 0;
  });
}

function waitedLine(io: Io, record: TaskRecord, place: Place): string {
  const { id, status, error } = record;
  const what = oneLine(whatOf(record), 100);
  if (isTerminal(status)) {
    const why = error ? `: ${oneLine(error.message, 300)} (${error.code})` : "";
    return `${shortId(id)}  ${paintStatus(io.stderr, status)} in ${formatDuration(ageMs(record))}  ${what}${why}\n`;
  }
  if (status !== "input_required") return `${shortId(id)}  is still ${status.replaceAll("_", " ")}  ${what}\n`;
  const { question, command } = questionOf(record, place, 300);
  return `${shortId(id)}  needs input: ${question}; answer with: ${command}\n`;
}
