import { DispatchError, toProblem, WorkerGoneError } from "./errors.ts";
import { beginLook, type Look } from "./looking.ts";
import type { Ports } from "./ports.ts";
import { settle } from "./pull.ts";
import { adapterOf, withSession } from "./session.ts";
import { type Task, type TaskArtifact, transition, without } from "./task.ts";
import { CONTRACT, type UploadReply, uploadReplySchema } from "./worker-contract.ts";
import { parseReply } from "./worker-reply.ts";

/** How long artifacts may take to arrive after the job's end before the missing ones are given up. */
const UPLOAD_DEADLINE_MS = 30 * 60_000;
const BATCH = 50;
const UPLOAD_TIMEOUT_MS = 14_000;
/** So many proofs in a row that the worker is gone, or will never send them, give its files up. */
const PROOFS_NEEDED = 5;

/** Whether the job's end is known and only its artifacts and its final status are left. */
export const isCompleting = (task: Task): boolean =>
  task.status === "completing" || (task.status === "cancelling" && task.outcome !== undefined);

/** Whether what has not arrived yet is given up. */
export const isUploadOverdue = (task: Task, nowMs: number): boolean =>
  nowMs > (task.outcome?.atMs ?? 0) + UPLOAD_DEADLINE_MS;

const pendingOf = (task: Task) => task.artifacts.filter(({ state }) => state === "pending");

/**
 * Brings the artifacts of an ended job to safety and gives the task its final status. Each artifact ends `stored` or
 * `lost` with a reason. Resolves with the task; it is still completing when some are under way (ask again in a second).
 */
export async function complete(ports: Ports, task: Task): Promise<Task> {
  if (!isCompleting(task)) return task;
  if (pendingOf(task).length === 0)
    return settle(ports, () => ports.store.change(task.id, (current) => finish(current, ports.now())));
  const look = await beginLook(ports, task.id, UPLOAD_TIMEOUT_MS, (current) =>
    isCompleting(current) ? current : undefined,
  );
  if (!look) return task;
  const updated = await collect(ports, look);
  return pendingOf(updated).length === 0 ? complete(ports, updated) : updated;
}

type Said = UploadReply["artifacts"];

async function collect(ports: Ports, { task, end }: Look): Promise<Task> {
  const pending = pendingOf(task).slice(0, BATCH);
  try {
    const { said, failure } = await ask(ports, task, pending);
    const updates = await Promise.all(pending.map((artifact) => verify(ports, task, artifact, said)));
    return await end((current) => apply(current, updates, failure), failure);
  } catch (error) {
    // Trouble of our own says nothing of the files: what is not here yet stays with the worker.
    await end((current) => current, error).catch(() => {});
    throw error;
  }
}

/** What the worker says of each; where it cannot be asked, what that means for them. */
async function ask(ports: Ports, task: Task, pending: TaskArtifact[]): Promise<{ said: Said; failure?: unknown }> {
  const targets = await Promise.all(
    pending.map(async (artifact) => ({ id: artifact.id, ...(await ports.artifacts.uploadTarget(task.id, artifact)) })),
  );
  const bootId = task.session?.bootId ?? "";
  const operation = { contract: CONTRACT, op: "upload", bootId, taskId: task.id, targets } as const;
  try {
    const reply = await adapterOf(ports, task).invoke(task, operation, { timeoutMs: UPLOAD_TIMEOUT_MS });
    return { said: parseReply(uploadReplySchema, reply).artifacts };
  } catch (failure) {
    ports.log.warn("artifacts could not be asked for", { taskId: task.id, error: String(failure) });
    const isLast = isProof(failure) && (task.session?.goneProofs ?? 0) + 1 >= PROOFS_NEEDED;
    const reason = isProof(failure)
      ? "the worker was gone before it could be sent"
      : `the worker could not be asked for it: ${toProblem(failure).message}`;
    return { said: pending.map(({ id }) => ({ id, state: isLast ? "lost" : "pending", reason })), failure };
  }
}

/** Whether the worker is gone, or will never send them; anything else may be trouble on the way, or of our own. */
const isProof = (error: unknown): boolean =>
  error instanceof WorkerGoneError ||
  (error instanceof DispatchError &&
    (error.code === "worker.contract_broken" || (!error.retryable && error.code.startsWith("worker."))));

type Update = { id: string; state: TaskArtifact["state"]; reason?: string };

/** The worker's word is checked: what is stored is here, whole. */
async function verify(ports: Ports, task: Task, artifact: TaskArtifact, all: Said): Promise<Update> {
  const { id } = artifact;
  if (await ports.artifacts.has(task.id, artifact)) return { id, state: "stored" };
  const said = all.find((each) => each.id === id);
  if (said?.state === "pending" && !isUploadOverdue(task, ports.now())) return { id, state: "pending" };
  if (said?.state === "stored")
    return { id, state: "lost", reason: "the worker reported it as sent, but it did not arrive" };
  return { id, state: "lost", reason: said?.reason ?? "the worker did not send it" };
}

function apply(task: Task, updates: Update[], failure: unknown): Task {
  if (!isCompleting(task)) return task;
  const artifacts = task.artifacts.map((artifact) => {
    const update = updates.find(({ id }) => id === artifact.id);
    return artifact.state === "pending" && update ? { ...artifact, ...update } : artifact;
  });
  if (failure === undefined) return { ...withSession(without(task, "revivals"), { goneProofs: 0 }), artifacts };
  const goneProofs = (task.session?.goneProofs ?? 0) + (isProof(failure) ? 1 : 0);
  return { ...withSession(task, { goneProofs }), artifacts };
}

function finish(task: Task, nowMs: number): Task | undefined {
  if (!isCompleting(task) || !task.outcome) return undefined;
  return transition(task, task.outcome.status, nowMs);
}
