import {
  ProtocolError,
  ProtocolErrorCode,
  type ReadResourceResult,
  type Resource,
  type ResourceTemplateType,
} from "@modelcontextprotocol/server";
import { DispatchError } from "../../contract/errors.ts";
import { fitReply } from "../../contract/replies/fit-reply.ts";
import { readTaskUri, type TaskPart, taskUri } from "../../contract/replies/task-uri.ts";
import type { ShortRecord } from "../../contract/tools/task-record.ts";
import type { Caller, TaskService } from "../../engine/service.ts";
import type { ServedResources } from "../features/resources.ts";

const JSON_TYPE = "application/json";
/** The newest tasks, among which an id is completed. */
const MAX_COMPLETED = 100;
/** Tasks on one page of the list. */
const PAGE = 50;

const template = (suffix: string, name: string, description: string): ResourceTemplateType => ({
  uriTemplate: `task://{id}${suffix}`,
  name,
  description,
  mimeType: JSON_TYPE,
});

const templates = [
  template("", "task", "The record of a task, as get_task_status gives it"),
  template("/events{?after}", "task events", "Its events, those after a number; eventsNext is the next one to name"),
  template("/logs{?cursor,limit}", "task logs", "What it has printed, from a character on; nextCursor goes on"),
  template("/result{?offset,max_chars}", "task result", "What it came to; nextOffset goes on with a long text"),
];

/** The tasks of whoever asks, as resources: what the tools read, at an address that a client can keep. */
export function taskResources(tasksOf: (caller: Caller) => TaskService): ServedResources {
  return {
    templates,
    async list({ caller }, cursor) {
      const page = await answering(() =>
        tasksOf(caller).list({ limit: PAGE, ...(cursor !== undefined && { cursor }) }),
      );
      const { items = [], cursor: nextCursor } = page ?? {};
      return { resources: items.map(resourceOf), ...(nextCursor !== undefined && { nextCursor }) };
    },
    async read({ caller }, uri) {
      const named = readTaskUri(uri);
      if (!named) return undefined;
      const answer = await answering(() => reading(tasksOf(caller), named));
      return answer && contentsOf(uri, answer);
    },
    async complete({ caller }, _template, variable, value) {
      if (variable !== "id") return [];
      const { items } = await tasksOf(caller).list({ limit: MAX_COMPLETED });
      return items.map(({ id }) => id).filter((id) => id.startsWith(value));
    },
  };
}

type Named = { id: string; part: TaskPart | undefined; query: Readonly<Record<string, string>> };

/** What the tool of that name gives; a value of the query that is no number is refused as the tool refuses it. */
function reading(tasks: TaskService, { id: task_id, part, query }: Named): Promise<object> {
  const asked = (...names: string[]) =>
    Object.fromEntries(names.flatMap((name) => (Object.hasOwn(query, name) ? [[name, Number(query[name])]] : [])));
  if (part === "logs") return tasks.logs({ task_id, ...asked("cursor", "limit") });
  if (part === "result") return tasks.result({ task_id, ...asked("offset", "max_chars") });
  if (part === "events") return tasks.status({ task_id, events_after: Number(query.after ?? 0) });
  return tasks.status({ task_id });
}

/** Nothing where there is no such task; a query that is none is the caller's mistake. */
async function answering<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error;
    if (error.code === "task.not_found") return undefined;
    const code = error.code === "input.invalid" ? ProtocolErrorCode.InvalidParams : ProtocolErrorCode.InternalError;
    throw new ProtocolError(code, `${error.code}: ${error.message}`);
  }
}

const contentsOf = (uri: string, answer: object): ReadResourceResult => ({
  contents: [{ uri, mimeType: JSON_TYPE, text: JSON.stringify(fitReply(answer)) }],
});

const resourceOf = ({ id, status, taskType, summary, updatedAt }: ShortRecord): Resource => ({
  uri: taskUri(id),
  name: id,
  ...(summary !== undefined && { title: summary.split("\n", 1)[0] ?? summary }),
  description: `${taskType}, ${status}`,
  mimeType: JSON_TYPE,
  annotations: { lastModified: updatedAt },
});
