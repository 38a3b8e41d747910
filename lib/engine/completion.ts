import { factsOf } from "../contract/error-codes.ts";
import { DispatchError, toProblem, WorkerGoneError } from "../contract/errors.ts";
import { type Task, type TaskArtifact, without } from "../contract/task.ts";
import { CONTRACT, type UploadReply, uploadReplySchema } from "../contract/worker.ts";
import { ARTIFACTS_PER_PAGE } from "../store/artifact-pages.ts";
import { artifactCountOf, shortReason, withPages } from "./artifact-pages.ts";
import { adapterOf, boundsOf } from "./invocation-gate.ts";
import { conclude, isCompleting } from "./poll/apply-reply.ts";
import { cleared, countSuspicion, isConfirmed } from "./poll/failure-detection.ts";
import { settle } from "./poll/poll.ts";
import { type Lease, takeLease } from "./poll/poll-lease.ts";
import { parseReply } from "./poll/worker-reply.ts";
import type { Ports } from "./ports.ts";

/** How long artifacts may take to arrive after the job's end before the missing ones are given up. */
const UPLOAD_DEADLINE_MS = 30 * 60_000;
const BATCH = 50;
const UPLOAD_TIMEOUT_MS = 14_000;
/** So many failures in a row that say that the worker is gone, or will never send them, give its files up. */
const SUSPICIONS_NEEDED = 5;

/** Whether what has not arrived yet is given up. */
export const isUploadOverdue = (task: Task, nowMs: number): boolean =>
  nowMs > (task.outcome?.atMs ?? 0) + UPLOAD_DEADLINE_MS;

const isBroughtHome = (task: Task): boolean =>
  (task.artifactsSettled ?? 0) >= artifactCountOf(task) && task.conversation?.leaving === undefined;

/**
 * Brings the artifacts of an ended job to safety and gives the task its final status. Each artifact ends `stored` or
 * `lost` with a reason. Resolves with the task; it is still completing when some are under way (ask again in a second).
 */
export async function complete(ports: Ports, task: Task): Promise<Task> {
  if (!isCompleting(task)) return task;
  if (isBroughtHome(task))
    return settle(ports, () => ports.store.change(task.id, (current) => finish(current, ports.now())));
  const lease = await takeLease(ports, task.id, UPLOAD_TIMEOUT_MS, (current) =>
    isCompleting(current) ? current : undefined,
  );
  if (!lease) return task;
  const updated = await collect(ports, lease);
  return isBroughtHome(updated) ? complete(ports, updated) : updated;
}

type Said = UploadReply["artifacts"];

async function collect(ports: Ports, { task: begun, end, untilMs }: Lease): Promise<Task> {
  try {
    const task = await withPages(ports, begun);
    const pages = await unsettledPages(ports, task);
    const { leaving } = task.conversation ?? {};
    const listed = [...pages.values()].flat().filter(isPending);
    const pending = [...(leaving ? [leaving] : []), ...listed].slice(0, BATCH);
    const { said, failure } = pending.length > 0 ? await ask(ports, task, pending, untilMs) : { said: [] };
    const updates = new Map(
      await Promise.all(pending.map(async (file) => [file.id, await verify(ports, task, file, said)] as const)),
    );
    const settled = await note(ports, task, pages, updates);
    const state = leaving && updates.get(leaving.id);
    if (leaving && state?.state === "lost")
      ports.log.warn("what a turn left to the next is lost", { taskId: task.id, reason: state.reason });
    return await end((current) => apply(withState(current, state), settled, failure, ports.now()), failure);
  } catch (error) {
    // Trouble of our own says nothing of the files: what is not here yet stays with the worker.
    await end((current) => current, error).catch(() => {});
    throw error;
  }
}

const isPending = ({ state }: TaskArtifact): boolean => state === "pending";

/** Pages by number, from the first that may hold files that are pending, as many as hold a batch of them. */
async function unsettledPages(ports: Ports, task: Task): Promise<Map<number, TaskArtifact[]>> {
  const pages = new Map<number, TaskArtifact[]>();
  const first = Math.floor((task.artifactsSettled ?? 0) / ARTIFACTS_PER_PAGE);
  const end = Math.ceil(artifactCountOf(task) / ARTIFACTS_PER_PAGE);
  for (let page = first, pending = 0; page < end && pending < BATCH; page++) {
    const artifacts = await ports.store.getArtifacts(task.id, page);
    pages.set(page, artifacts);
    pending += artifacts.filter(isPending).length;
  }
  return pages;
}

/** Writes what became of files, page by page. Resolves with the number of the first file of the first unsettled page. */
async function note(
  ports: Ports,
  task: Task,
  pages: ReadonlyMap<number, TaskArtifact[]>,
  updates: ReadonlyMap<string, Update>,
): Promise<number> {
  let unsettled: number | undefined;
  const updated = (artifact: TaskArtifact) =>
    isPending(artifact) ? { ...artifact, ...updates.get(artifact.id) } : artifact;
  for (const [page, before] of pages) {
    const isTouched = before.some((artifact) => isPending(artifact) && updates.has(artifact.id));
    const after = isTouched ? await ports.store.changeArtifacts(task.id, page, (now) => now.map(updated)) : before;
    if (after.some(isPending)) unsettled ??= page;
  }
  const next = Math.max(0, ...[...pages.keys()].map((page) => page + 1));
  return Math.min(artifactCountOf(task), (unsettled ?? next) * ARTIFACTS_PER_PAGE);
}

/** The task once the files of its conversation are here, or given up: then the next turn goes on with those before them. */
function withState(task: Task, update: Update | undefined): Task {
  const { conversation } = task;
  if (!conversation?.leaving || !update || update.state === "pending") return task;
  const { sha256, sizeBytes } = conversation.leaving;
  const state = { taskId: task.id, sha256, sizeBytes };
  return {
    ...task,
    conversation: { ...without(conversation, "leaving"), ...(update.state === "stored" && { state }) },
  };
}

/** What the worker says of each; where it cannot be asked, what that means for them. */
async function ask(
  ports: Ports,
  task: Task,
  pending: TaskArtifact[],
  untilMs: number,
): Promise<{ said: Said; failure?: unknown }> {
  // Nobody is there to send any: what whoever held the call has kept is here.
  if (task.channel === "synchronous") return { said: [] };
  const targets = await Promise.all(
    pending.map(async (artifact) => ({ id: artifact.id, ...(await ports.artifacts.uploadTarget(task.id, artifact)) })),
  );
  const bootId = task.session?.bootId ?? "";
  const operation = { contract: CONTRACT, op: "upload", bootId, taskId: task.id, targets } as const;
  try {
    // Saying where files go may have taken longer than the invocation is noted.
    const bounds = boundsOf(ports, untilMs, UPLOAD_TIMEOUT_MS);
    const reply = await adapterOf(ports, task).invoke(task, operation, bounds);
    return { said: parseReply(uploadReplySchema, reply).artifacts };
  } catch (failure) {
    ports.log.warn("artifacts could not be asked for", { taskId: task.id, error: String(failure) });
    const nowMs = ports.now();
    const isLast = isSuspicious(failure) && isConfirmed(countSuspicion(task, nowMs), failure, nowMs, SUSPICIONS_NEEDED);
    const reason = isSuspicious(failure)
      ? "the worker was gone before it could be sent"
      : shortReason(`the worker could not be asked for it: ${toProblem(failure).message}`);
    return { said: pending.map(({ id }) => ({ id, state: isLast ? "lost" : "pending", reason })), failure };
  }
}

/** Whether the worker is gone, or will never send them; anything else may be trouble on the way, or of our own. */
function isSuspicious(error: unknown): boolean {
  if (!(error instanceof DispatchError)) return false;
  const { who, delivered } = factsOf(error.code);
  return error instanceof WorkerGoneError || (who === "worker" && (!error.retryable || delivered === "yes"));
}

type Update = { state: TaskArtifact["state"]; reason?: string };

/** The worker's word is checked: what is stored is here, whole. */
async function verify(ports: Ports, task: Task, artifact: TaskArtifact, all: Said): Promise<Update> {
  if (await ports.artifacts.has(task.id, artifact)) return { state: "stored" };
  const said = all.find((each) => each.id === artifact.id);
  if (said?.state === "pending" && !isUploadOverdue(task, ports.now())) return { state: "pending" };
  if (said?.state === "stored")
    return { state: "lost", reason: "the worker reported it as sent, but it did not arrive" };
  return { state: "lost", reason: shortReason(said?.reason ?? "the worker did not send it") };
}

function apply(task: Task, settled: number, failure: unknown, nowMs: number): Task {
  if (!isCompleting(task)) return task;
  const noted = { ...task, artifactsSettled: Math.max(settled, task.artifactsSettled ?? 0) };
  if (failure === undefined) return cleared(without(noted, "recoveries"));
  return isSuspicious(failure) ? countSuspicion(noted, nowMs) : noted;
}

const finish = (task: Task, nowMs: number): Task | undefined =>
  isCompleting(task) ? conclude(task, nowMs) : undefined;
