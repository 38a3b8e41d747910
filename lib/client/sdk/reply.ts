import { type Problem, problemSchema } from "../../contract/errors.ts";
import type { TaskEvent } from "../../contract/events.ts";
import type { Json } from "../../contract/task.ts";

/** The fields of a task record that the commands show; the reply has more. */
export type TaskRecord = {
  id: string;
  status: string;
  taskType: string;
  createdAt: string;
  updatedAt: string;
  /** Where new log text begins. */
  logLength: number;
  error?: Problem;
  events: TaskEvent[];
  /** The reply itself, without the events. */
  whole: Json;
};

export type ArtifactRef = { uri: string; name: string; sizeBytes?: number };

/** What `get_task_result` says, as far as the commands show it. */
export type TaskOutcome = {
  status: string;
  result?: unknown;
  resultUri?: string;
  artifacts: ArtifactRef[];
  /** Files of which there is only the name, with the reason. */
  lost: { name: string; reason: string }[];
  /** How many more files there were than a task may keep. */
  leftOut: number;
  error?: Problem;
  whole: Json;
};

/** Whether the value is an object with named fields. */
export const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

/** The reply of `get_task_status`, or one item of `list_tasks`. */
export function toRecord(reply: Json): TaskRecord {
  const { events, ...whole } = reply;
  const problem = problemSchema.safeParse(reply.error);
  return {
    id: textOf(reply.id),
    status: textOf(reply.status),
    taskType: textOf(reply.taskType),
    createdAt: textOf(reply.createdAt),
    updatedAt: textOf(reply.updatedAt),
    logLength: typeof reply.logLength === "number" ? reply.logLength : 0,
    ...(problem.success && { error: problem.data }),
    events: listOf(events).flatMap(toEvent),
    whole,
  };
}

function toEvent(value: Json): TaskEvent[] {
  if (typeof value.sequence !== "number") return [];
  return [
    {
      taskId: textOf(value.taskId),
      sequence: value.sequence,
      type: textOf(value.type),
      timestamp: textOf(value.timestamp),
      ...(typeof value.message === "string" && { message: value.message }),
      ...(isObject(value.payload) && { payload: value.payload }),
    },
  ];
}

/** The reply of `get_task_result`. */
export function toOutcome(reply: Json): TaskOutcome {
  const problem = problemSchema.safeParse(reply.error);
  const resultUri = isObject(reply.resultRef) ? textOf(reply.resultRef.uri) : "";
  return {
    status: textOf(reply.status),
    ...(reply.result !== undefined && { result: reply.result }),
    ...(resultUri && { resultUri }),
    artifacts: listOf(reply.artifacts).map((artifact) => ({
      uri: textOf(artifact.uri),
      name: textOf(artifact.name) || textOf(artifact.id),
      ...(typeof artifact.sizeBytes === "number" && { sizeBytes: artifact.sizeBytes }),
    })),
    lost: listOf(reply.lostArtifacts).map(({ id, name, reason }) => ({
      name: textOf(name) || textOf(id),
      reason: textOf(reason),
    })),
    leftOut: isObject(reply.artifactsLeftOut) ? Number(reply.artifactsLeftOut.count) || 0 : 0,
    ...(problem.success && { error: problem.data }),
    whole: reply,
  };
}

/** The items of a list reply, and where the next page begins. */
export function toPage(reply: Json): { items: Json[]; cursor?: string } {
  const cursor = textOf(reply.cursor) || textOf(reply.nextCursor);
  return { items: listOf(reply.items), ...(cursor && { cursor }) };
}

export type Question = { id: string; question: string; choices: string[] };

/** The questions of a clarification, or undefined when the reply is none. */
export function toQuestions(reply: Json): Question[] | undefined {
  if (reply.status !== "needs_clarification") return undefined;
  return listOf(reply.questions).map(({ id, question, choices }) => ({
    id: textOf(id),
    question: textOf(question),
    choices: Array.isArray(choices)
      ? choices.map((choice) => (isObject(choice) ? textOf(choice.name) : String(choice)))
      : [],
  }));
}

/** What an agent answered, as text: its `output` where it gave one, otherwise all of it as JSON. */
export function outputText(result: unknown): string | undefined {
  if (typeof result === "string") return result;
  if (isObject(result) && typeof result.output === "string") return result.output;
  return result === undefined || result === null ? undefined : JSON.stringify(result, null, 2);
}

/** What a task is, in its own words: the instruction of an agent, or `$` and the command. */
export function whatOf({ taskType, whole }: TaskRecord): string {
  const input = isObject(whole.input) ? whole.input : {};
  const text = textOf(whole.summary) || textOf(input.instruction) || textOf(input.command);
  return taskType === "command.run" && text ? `$ ${text}` : text;
}
