import type { TaskEvent } from "../../contract/events.ts";
import { previewText } from "../../contract/preview.ts";
import { withJson } from "../../contract/replies/json-answer.ts";
import type { OwnOf, Task, TaskArtifact } from "../../contract/task.ts";
import { MAX_EVENT_BYTES, MAX_LOG_BYTES, type PollReply, type WorkerEvent } from "../../contract/worker.ts";
import type { LogChunk } from "../../store/port.ts";
import { asPending, keepArtifacts } from "../artifact-pages.ts";
import { keepLargeValue } from "../large-values.ts";
import type { Ports } from "../ports.ts";

/** How far the log of a task goes: its length in UTF-16 units, its size in bytes of UTF-8, and whether the rest is lost. */
type LogEnd = Pick<Task, "logLength" | "logBytes" | "logTruncated">;

/** What is left of a text that no event may hold, in UTF-16 units. */
const SHORTENED_LENGTH = 16 * 1024;

const logEnd = ({ logLength, logBytes, logTruncated }: Task): Required<LogEnd> => ({
  logLength,
  logBytes,
  logTruncated: logTruncated ?? false,
});

/** What the task holds of a worker's reply. */
export type Kept = {
  log: LogEnd;
  /** What a job that has ended left. */
  left: Omit<OwnOf<"completing">, "outcome" | "error">;
  /** The files of its conversation that it has to bring home. */
  leaving?: TaskArtifact;
};

/** Stores what a worker said: its news, and what it asks for or ended with. Kept again it changes nothing. */
export async function keepReply(ports: Ports, task: Task, reply: PollReply): Promise<Kept> {
  const log = await keepNews(ports, task, reply.events);
  const { status, result } = reply;
  const hasEnded = status !== "running" && status !== "input_required";
  const left = {
    ...(result !== undefined && (await keepLargeValue(ports, task.id, "result", answered(task, result)))),
    ...(hasEnded && (await keepArtifacts(ports.store, task.id, reply, ports.now()))),
  };
  const state = hasEnded && task.conversation ? reply.artifacts?.find((artifact) => artifact.private) : undefined;
  return {
    log,
    left,
    ...(state && { leaving: asPending(state, ports.now()) }),
  };
}

/** The result as its dispatch asked for it. */
const answered = ({ responseFormat }: Task, result: unknown): unknown =>
  responseFormat ? withJson(responseFormat, result) : result;

/**
 * Stores events and log chunks; written again they change nothing. The log has no hole: once a chunk did not fit, nothing
 * more of it is stored. Resolves with the end of the log.
 */
async function keepNews(ports: Ports, task: Task, events: readonly WorkerEvent[]): Promise<LogEnd> {
  const chunks: LogChunk[] = [];
  const facts: TaskEvent[] = [];
  const end = logEnd(task);
  for (const event of events) {
    if (event.sequence <= task.workerSequence) continue;
    if (event.type !== "task.log") {
      facts.push(fitting({ taskId: task.id, ...event } as TaskEvent));
      continue;
    }
    const text = fittingText(event.message ?? "");
    const bytes = byteLength(text);
    if (end.logBytes + bytes > MAX_LOG_BYTES) {
      // What room is left is given up: a shorter text that follows would hide that this one is missing.
      end.logBytes = MAX_LOG_BYTES;
      end.logTruncated = true;
    } else if (text !== "") {
      const stream = event.payload?.stream === "stderr" ? "stderr" : "stdout";
      const { sequence, timestamp } = event;
      chunks.push({ taskId: task.id, offset: end.logLength, sequence, stream, timestamp, text });
      end.logLength += text.length;
      end.logBytes += bytes;
    }
    // A worker that holds back the rest says so; its own remarks may follow.
    if (event.payload?.truncated === true) end.logTruncated = true;
  }
  if (chunks.length > 0) await ports.store.appendLog(chunks);
  if (facts.length > 0) await ports.store.appendEvents(facts);
  return end;
}

const byteLength = (text: string): number => new TextEncoder().encode(text).byteLength;

const fittingText = (text: string): string =>
  byteLength(text) > MAX_EVENT_BYTES ? previewText(text, SHORTENED_LENGTH) : text;

/** A worker of ours says nothing longer; from any other the beginning and the end are kept. */
function fitting(event: TaskEvent): TaskEvent {
  if (byteLength(JSON.stringify(event)) <= MAX_EVENT_BYTES) return event;
  const { payload: _, message, ...rest } = event;
  return {
    ...rest,
    ...(message !== undefined && { message: previewText(message, SHORTENED_LENGTH / 4) }),
    payload: { shortened: true },
  };
}
