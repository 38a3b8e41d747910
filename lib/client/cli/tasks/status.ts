import { isObject } from "../../../contract/json.ts";
import { isTerminal, type Status } from "../../../contract/lifecycle.ts";
import type { TaskRecord } from "../../../contract/tools/task-record.ts";
import type { Context } from "../context.ts";
import { exitCodeOf } from "../exit-code.ts";
import { type Io, write } from "../io.ts";
import { formatDuration, formatTime, oneLine, paint, printJson, table } from "../print.ts";
import type { Place } from "../systems/place.ts";
import { usageWords, whatOf } from "../task-text.ts";
import { hintInTerms } from "../terms.ts";
import { ageMs } from "./age.ts";
import { questionOf } from "./question.ts";
import { paintStatus } from "./task-line.ts";
import { readingTask, type TaskOptions } from "./with-task.ts";

const MAX_TEXT = 2000;

/** `agent-dispatch status <id>` */
export function showStatus(context: Context, text: string, options: TaskOptions): Promise<number> {
  return readingTask(context, options, text, async (task) => {
    const record = await task.status();
    if (options.json) await printJson(context.io, record);
    else await write(context.io.stdout, statusText(context.io, record, options));
    return 0;
  });
}

/** All that a person wants to know of a task, a fact in a line; what there is not has none. */
function statusText(io: Io, record: TaskRecord, place: Place): string {
  const { error, progress, conversation, artifactCount } = record;
  const facts: Record<string, string | undefined> = {
    task: record.id,
    [record.taskType === "command.run" ? "command" : "instruction"]: oneLine(whatOf(record), MAX_TEXT),
    status: paintStatus(io.stdout, record.status),
    "waits for": waitsFor(record, place),
    profile: profileOf(record),
    at: `${record.backend}, account ${oneLine(record.accountProfile)}`,
    "dispatched by": record.parent,
    conversation,
    created: formatTime(record.createdAt),
    [isTerminal(record.status) ? "took" : "for"]: formatDuration(ageMs(record)),
    progress: progress?.message && oneLine(progress.message),
    "exit code": isTerminal(record.status) ? String(exitCodeOf(record)) : undefined,
    cost: usageWords(record.usage),
    artifacts: artifactCount ? String(artifactCount) : undefined,
    error: error && `${oneLine(error.message, MAX_TEXT)} (${error.code})`,
    hint: error?.hint && oneLine(hintInTerms(error.hint, place, record.id), MAX_TEXT),
  };
  return table(
    Object.entries(facts)
      .filter(([, value]) => value)
      .map(([name, value = ""]) => [paint(io.stdout, "dim", name), value]),
  );
}

function profileOf({ profile, framework, input }: TaskRecord): string | undefined {
  const { model } = input;
  const name = isObject(model) ? JSON.stringify(model) : model;
  const words = [profile, framework, typeof name === "string" ? name : undefined].filter((word) => word);
  return words.length > 0 ? oneLine(words.join(", "), 300) : undefined;
}

const waiting: Partial<Record<Status, string>> = {
  provisioning: "the place where it is to run",
  starting: "its worker to begin",
  completing: "its result and artifacts to be kept",
  cancelling: "its job to end",
};

const pausers: Readonly<Record<NonNullable<TaskRecord["admissionPausedBy"]>[number], string>> = {
  owner: "its owner",
  operator: "an operator",
  deletion: "the deletion of the stack",
};

/** What keeps a task from going on, in words. */
function waitsFor(
  { id, status, queuePosition, admissionPausedBy = [], inputRequests = {} }: TaskRecord,
  place: Place,
): string | undefined {
  if (admissionPausedBy.length > 0)
    return `admission, which is paused by ${admissionPausedBy.map((by) => pausers[by]).join(" and by ")}`;
  if (status === "queued")
    return queuePosition === undefined ? "a free slot" : `a free slot, as number ${queuePosition} in the queue`;
  if (status !== "input_required") return waiting[status];
  const { question, command } = questionOf({ id, inputRequests }, place, MAX_TEXT);
  return `an answer to: ${question}; give it with: ${command}`;
}
