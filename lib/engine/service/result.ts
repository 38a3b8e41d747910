import { DispatchError } from "../../contract/errors.ts";
import { previewValue } from "../../contract/preview.ts";
import { type EndedTask, hasEnded, type Task, type TaskArtifact, type ValueRef, without } from "../../contract/task.ts";
import type { TaskResult } from "../../contract/tools/get-task-result.ts";
import { ARTIFACTS_PER_PAGE } from "../../store/artifact-pages.ts";
import { artifactCountOf, artifactsFrom } from "../artifact-pages.ts";
import { readLargeValue } from "../large-values.ts";
import type { ReadPorts } from "../ports.ts";
import { type ArtifactsView, resultView } from "../record.ts";
import { MAX_REPLY, replySize } from "./reply-size.ts";

const MAX_RESULT = 30_000;
const PREVIEW = 8_000;
/** What a list of files may take beside a result and an error that leave it less. */
const MIN_LIST = 10_000;

type Kept = Pick<ReadPorts, "store" | "artifacts">;

/** What a task came to, with its files from the cursor on; of one that has not ended, its status alone. */
export async function readResult(ports: Kept, known: Task, artifactsCursor: number): Promise<TaskResult> {
  if (!hasEnded(known)) return resultView(known, { files: [] });
  // The first reply has the result; those that go on with the files need not repeat it.
  const task = artifactsCursor > 0 ? without(known, "result", "resultRef") : await previewed(ports, known);
  const resultRef = task.resultRef && (await readable(ports, task.id, task.resultRef));
  const shown = { ...task, ...(resultRef && { resultRef }) };
  const room = MAX_REPLY - replySize(resultView(shown, { files: [] }));
  const files = await artifactsView(ports, task, artifactsCursor, Math.max(room, MIN_LIST));
  const result = { ...resultView(shown, files), ...(resultRef && { previews: ["result"] }) };
  if (replySize(result) <= MAX_REPLY || !result.error) return result;
  return { ...result, error: without(result.error, "details") };
}

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

/** The task with a result that fits into a reply; one that does not is kept whole where `resultRef` says. */
async function previewed(ports: Kept, task: EndedTask): Promise<EndedTask> {
  if (task.resultRef && task.result === undefined) {
    const whole = await readLargeValue(ports, task.resultRef);
    return { ...task, result: previewValue(whole, PREVIEW) };
  }
  if (replySize(task.result) <= MAX_RESULT) return task;
  const content = new TextEncoder().encode(JSON.stringify(task.result));
  const resultRef = task.resultRef ?? (await ports.artifacts.put(task.id, "result.json", content, "application/json"));
  return { ...task, result: previewValue(task.result, PREVIEW), resultRef };
}

/** The reference with an address that the caller can read from: where it is kept, only the system may. */
async function readable(ports: Kept, taskId: string, ref: ValueRef): Promise<ValueRef> {
  const { sha256, sizeBytes } = ref;
  const file = { id: "result", kind: "file", name: "result.json", contentType: "application/json" } as const;
  const artifact = { ...file, sha256, sizeBytes, createdAt: "", state: "stored" } as const;
  return { ...ref, uri: await ports.artifacts.uriOf(taskId, artifact) };
}
