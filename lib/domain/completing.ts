import type { Ports } from "./ports.ts";
import { parseReply, settle } from "./pull.ts";
import { invokeOnce, withSession } from "./session.ts";
import { type Task, type TaskArtifact, transition } from "./task.ts";
import { CONTRACT, uploadReplySchema } from "./worker-contract.ts";

/** How long artifacts may take to arrive after the job's end before the missing ones are given up. */
const UPLOAD_DEADLINE_MS = 30 * 60_000;
const BATCH = 50;
const UPLOAD_TIMEOUT_MS = 14_000;
/** An upload that fails this often in a row without an answer gives its files up. */
const MAX_FAILURES = 5;

/** Whether the job's end is known and only its artifacts and its final status are left. */
export const isCompleting = (task: Task): boolean =>
  task.status === "completing" || (task.status === "cancelling" && task.outcome !== undefined);

/**
 * Brings the artifacts of an ended job to safety and gives the task its final status. Each artifact ends `stored` or
 * `lost` with a reason. Resolves with the task; it is still completing when some are under way (ask again in a second).
 */
export async function complete(ports: Ports, task: Task): Promise<Task> {
  if (!isCompleting(task)) return task;
  const pending = task.artifacts.filter(({ state }) => state === "pending").slice(0, BATCH);
  if (pending.length === 0)
    return settle(ports, () => ports.store.change(task.id, (current) => finish(current, ports.now())));
  const updates = await collect(ports, task, pending);
  const updated = await ports.store.change(task.id, (current) => apply(current, updates, ports.now()));
  return updated.artifacts.every(({ state }) => state !== "pending") ? complete(ports, updated) : updated;
}

type Update = { id: string; state: TaskArtifact["state"]; reason?: string };

async function collect(ports: Ports, task: Task, pending: TaskArtifact[]): Promise<Update[]> {
  const targets = await Promise.all(
    pending.map(async (artifact) => ({ id: artifact.id, ...(await ports.artifacts.uploadTarget(task.id, artifact)) })),
  );
  let reply: unknown;
  try {
    reply = await invokeOnce(ports, task.id, UPLOAD_TIMEOUT_MS, (current) => ({
      contract: CONTRACT,
      op: "upload",
      bootId: current.session?.bootId ?? "",
      taskId: task.id,
      targets,
    }));
    const { artifacts } = parseReply(uploadReplySchema, reply);
    return Promise.all(
      pending.map(async (artifact) =>
        verify(
          ports,
          task,
          artifact,
          artifacts.find(({ id }) => id === artifact.id),
        ),
      ),
    );
  } catch (error) {
    ports.log.warn("artifacts could not be asked for", { taskId: task.id, error: String(error) });
    return giveUp(ports, task, pending);
  }
}

/** The worker's word is checked: what is stored is here, whole. */
async function verify(
  ports: Ports,
  task: Task,
  artifact: TaskArtifact,
  said: Update | object | undefined,
): Promise<Update> {
  if (await ports.artifacts.has(task.id, artifact)) return { id: artifact.id, state: "stored" };
  const { state, reason } = { reason: "the worker did not send it", ...said } as Update;
  if (state === "pending" && !isOverdue(ports, task)) return { id: artifact.id, state };
  const lost = state === "stored" ? "the worker reported it as sent, but it did not arrive" : reason;
  return { id: artifact.id, state: "lost", ...(lost !== undefined && { reason: lost }) };
}

const isOverdue = (ports: Ports, task: Task) => ports.now() > (task.outcome?.atMs ?? 0) + UPLOAD_DEADLINE_MS;

/** Nobody answered: what has arrived is stored, and the rest is lost once the worker has had its chances. */
async function giveUp(ports: Ports, task: Task, pending: TaskArtifact[]): Promise<Update[]> {
  const over = isOverdue(ports, task) || (task.session?.goneProofs ?? 0) >= MAX_FAILURES;
  const reason = "the worker was gone before it could be sent";
  const updates = await Promise.all(
    pending.map(async ({ id, ...artifact }): Promise<Update> => {
      if (await ports.artifacts.has(task.id, { id, ...artifact })) return { id, state: "stored" };
      return over ? { id, state: "lost", reason } : { id, state: "pending" };
    }),
  );
  if (!over) {
    await ports.store.change(task.id, (current) =>
      withSession(current, { goneProofs: (current.session?.goneProofs ?? 0) + 1 }),
    );
  }
  return updates;
}

function apply(task: Task, updates: Update[], nowMs: number): Task | undefined {
  if (!isCompleting(task)) return undefined;
  const artifacts = task.artifacts.map((artifact) => {
    const update = updates.find(({ id }) => id === artifact.id);
    return artifact.state === "pending" && update ? { ...artifact, ...update } : artifact;
  });
  return { ...task, artifacts, dueAtMs: nowMs + 5 * 60_000 };
}

function finish(task: Task, nowMs: number): Task | undefined {
  if (!isCompleting(task) || !task.outcome) return undefined;
  return transition(task, task.outcome.status, nowMs);
}
