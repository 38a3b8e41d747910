import { DispatchError } from "../../contract/errors.ts";
import { firstOf, previewValue } from "../../contract/preview.ts";
import { MAX_REPLY, replySize } from "../../contract/replies/reply-size.ts";
import { taskUri } from "../../contract/replies/task-uri.ts";
import { type EndedTask, hasEnded, type Task, type TaskArtifact, type ValueRef, without } from "../../contract/task.ts";
import type { TaskResult } from "../../contract/tools/get-task-result.ts";
import { ARTIFACTS_PER_PAGE } from "../../store/artifact-pages.ts";
import { artifactCountOf, artifactsFrom } from "../artifact-pages.ts";
import { readLargeValue } from "../large-values.ts";
import type { ReadPorts } from "../ports.ts";
import { type ArtifactsView, answerView, resultView } from "../record.ts";
import { pageOf, textOf } from "./result-text.ts";

/** A result that takes more of a reply is shown as a preview. */
const MAX_RESULT = 15_000;
const PREVIEW = 8_000;
/** What a list of files may take beside a result and an error that leave it less. */
const MIN_LIST = 8_000;

type Kept = Pick<ReadPorts, "store" | "artifacts">;
type Asked = { artifactsCursor: number; offset?: number | undefined; maxChars?: number | undefined };

/** What a task came to, with its files from the cursor on, or a page of its text; of one that has not ended, its status alone. */
export async function readResult(ports: Kept, task: Task, asked: Asked): Promise<TaskResult> {
  if (!hasEnded(task)) return resultView(task, { files: [] });
  const { artifactsCursor, offset, maxChars } = asked;
  // The first reply has the result; those that go on with the files need not repeat it.
  if (artifactsCursor > 0) return withFiles(ports, without(task, "result", "resultRef"), artifactsCursor);
  if (offset === undefined && maxChars === undefined) return withFiles(ports, await shownTask(ports, task), 0);
  return readText(ports, task, { offset: offset ?? 0, maxChars });
}

async function withFiles(ports: Kept, task: ShownTask, cursor: number): Promise<TaskResult> {
  const previews = task.previews && { previews: task.previews, resource: taskUri(task.id, "result") };
  const room = MAX_REPLY - replySize({ ...resultView(task, { files: [] }), ...previews });
  const files = await artifactsView(ports, task, cursor, Math.max(room, MIN_LIST));
  const result = { ...resultView(task, files), ...previews };
  if (replySize(result) <= MAX_REPLY || !result.error) return result;
  return { ...result, error: without(result.error, "details") };
}

/** A page of the text; the first one comes with what the task left besides. */
async function readText(ports: Kept, task: EndedTask, page: { offset: number; maxChars: number | undefined }) {
  const { text, beside } = textOf(await whole(ports, task));
  const bare = { ...without(task, "result", "resultRef", "responseFormat"), ...(beside && { result: beside }) };
  const first: TaskResult =
    page.offset === 0
      ? resultView(bare, await artifactsView(ports, task, 0, MIN_LIST))
      : { taskId: task.id, status: task.status, artifacts: [] };
  return { ...first, ...pageOf(text, { ...page, taken: replySize(first) }) };
}

/** The task with the result as the job left it, wherever that is kept. */
const whole = async (ports: Kept, task: EndedTask): Promise<EndedTask> =>
  task.result === undefined && task.resultRef ? { ...task, result: await readLargeValue(ports, task.resultRef) } : task;

/** Files from the cursor on, as many as one page has and as fit, but at least one. */
async function artifactsView(ports: Kept, task: Task, cursor: number, room: number): Promise<ArtifactsView> {
  const candidates = (await artifactsFrom(ports.store, task, cursor)).slice(0, ARTIFACTS_PER_PAGE);
  const files: { artifact: TaskArtifact; uri?: string }[] = [];
  for (const candidate of candidates) {
    const file = await addressed(ports, task.id, candidate);
    room -= replySize({ ...file.artifact, uri: file.uri, taskId: task.id });
    if (room < 0 && files.length > 0) break;
    files.push(file);
  }
  const nextCursor = cursor + files.length;
  return { files, ...(files.length > 0 && nextCursor < artifactCountOf(task) && { nextCursor }) };
}

/** The file with its address, if it was stored and nobody has deleted it since. */
async function addressed(
  ports: Kept,
  taskId: string,
  artifact: TaskArtifact,
): Promise<{ artifact: TaskArtifact; uri?: string }> {
  if (artifact.state !== "stored") return { artifact };
  try {
    return { artifact, uri: await ports.artifacts.uriOf(taskId, artifact) };
  } catch (error) {
    if (!(error instanceof DispatchError && error.code === "artifact.not_found")) throw error;
    return { artifact: { ...artifact, reason: "it was stored, and deleted since" } };
  }
}

/** A task whose result may be a preview; `previews` says so, and `resultRef` where a caller reads the whole. */
export type ShownTask = EndedTask & { previews?: string[] };

/** The task with as much of its result as a reply shows: as its dispatch asked for, and no more than fits. */
export async function shownTask(ports: Kept, known: EndedTask): Promise<ShownTask> {
  const task = await whole(ports, known);
  const { summaryChars, result } = task;
  const isSummarized = summaryChars !== undefined && textOf(task).text.length > summaryChars;
  if (!isSummarized && known.result === result && replySize(result) <= MAX_RESULT) return task;
  const content = new TextEncoder().encode(JSON.stringify(result));
  const ref = task.resultRef ?? (await ports.artifacts.put(task.id, "result.json", content, "application/json"));
  const shown = isSummarized ? summaryOf(task, summaryChars) : previewValue(answerView(task).result, PREVIEW);
  return {
    ...without(task, "responseFormat"),
    result: shown,
    resultRef: await readable(ports, task.id, ref),
    previews: ["result"],
  };
}

/** An address that the whole result of a task can be read from. */
export async function linkOf(ports: Kept, task: Task): Promise<string> {
  const content = () => new TextEncoder().encode(JSON.stringify(task.result ?? null));
  const ref = task.resultRef ?? (await ports.artifacts.put(task.id, "result.json", content(), "application/json"));
  return (await readable(ports, task.id, ref)).uri;
}

/** A preview of so many characters at most, with what an agent says of its answer besides. */
function summaryOf(task: EndedTask, maxChars: number): unknown {
  const { text, beside } = textOf(task);
  const summary = firstOf(text, maxChars);
  return beside ? { ...beside, output: summary } : summary;
}

/** The reference with an address that the caller can read from: where it is kept, only the system may. */
async function readable(ports: Kept, taskId: string, ref: ValueRef): Promise<ValueRef> {
  const { sha256, sizeBytes } = ref;
  const file = { id: "result", kind: "file", name: "result.json", contentType: "application/json" } as const;
  const artifact = { ...file, sha256, sizeBytes, createdAt: "", state: "stored" } as const;
  return { ...ref, uri: await ports.artifacts.uriOf(taskId, artifact) };
}
