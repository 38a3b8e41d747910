import { InvalidInputError, type Problem, RefusedError, toProblem } from "../../contract/errors.ts";
import type { Specification } from "../../contract/orchestration/specification.ts";
import { type EndedTask, type Json, TASK_VERSION, type Task } from "../../contract/task.ts";
import { FIRST_WORKER_SEQUENCE } from "../../contract/worker.ts";
import { readable } from "../../store/stored-task.ts";
import { dispatch } from "../dispatch.ts";
import { storedPreview } from "../large-values.ts";
import type { Ports } from "../ports.ts";
import { planSpawn } from "../service/spawn.ts";
import { beginsNothing } from "../tree/orphans.ts";
import { answerChild, keepEnded, MAX_INPUT, mayBeAnswered } from "./answered-child.ts";
import { asChild, callAt, plannedCall } from "./calls.ts";
import { childId } from "./children.ts";
import type { End } from "./next.ts";

/**
 * Dispatches the child at a position; again it makes no other. One that is refused is a task too, that has failed with the
 * reason: resolves with its end. Throws RetryableError where that cannot be done now.
 */
export async function beginChild(
  ports: Ports,
  specification: Specification,
  parent: Task,
  position: number,
): Promise<End | undefined> {
  const { owner, trace } = parent;
  const id = await childId(parent.id, position);
  const traced = { ...ports, ...(trace !== undefined && { trace }) };
  try {
    const call = asChild(ports.configuration(), await callAt(ports, specification, parent, position), parent);
    const planned = await planSpawn(traced, owner, call);
    if ("status" in planned) throw lacking(planned.questions);
    const { cache, ...plan } = planned.plan;
    const asked = { ...plan, ...(cache && mayBeAnswered(specification, parent, position) && { cache }) };
    const handle = await dispatch(traced, owner, { ...asked, place: { id, position } });
    if (!handle.cached) return undefined;
    const end = await answerChild(traced, parent, { plan: asked, id, position, earlierId: handle.taskId });
    if (end !== "gone") return end;
    await dispatch(traced, owner, { ...plan, place: { id, position } });
    return undefined;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    // It was cancelled meanwhile, and so is what it was about to begin.
    const now = await readable(ports.store, parent.id);
    if (!now || beginsNothing(now)) return undefined;
    const problem = toProblem(error);
    return refuse(ports, { parent, id, position, call: await plannedCall(specification, position) }, problem);
  }
}

/** What is missing from a call, as an error: nobody is there to be asked. */
export const lacking = (questions: readonly { id: string; question: string }[]): InvalidInputError =>
  new InvalidInputError(questions.map(({ id, question }) => ({ path: id, message: `is missing: ${question}` })));

/** Keeps a child that was refused as a task that has failed. One that is there stays as it is. Resolves with its end. */
async function refuse(
  ports: Ports,
  { parent, id, position, call }: { parent: Task; id: string; position: number; call: Json },
  error: Problem,
): Promise<End | undefined> {
  const nowMs = ports.now();
  const at = new Date(nowMs).toISOString();
  const { owner, provider, accountProfile, capability, backend, target, limits, trace } = parent;
  const place = { provider, accountProfile, capability, backend, target };
  const input = storedPreview({ instruction: call.instruction }, MAX_INPUT);
  const made: EndedTask = {
    version: TASK_VERSION,
    id,
    owner,
    revision: 0,
    executionNumber: 1,
    ...place,
    profile: typeof call.runtime === "string" ? call.runtime : parent.profile,
    taskType: "agent.run",
    input,
    limits,
    parent: parent.id,
    root: parent.root ?? parent.id,
    depth: parent.depth + 1,
    position,
    ...(trace !== undefined && { trace }),
    status: "failed",
    error,
    phases: { queued: at, failed: at },
    createdAt: at,
    updatedAt: at,
    obligations: {},
    providerRefs: {},
    workerSequence: FIRST_WORKER_SEQUENCE - 1,
    logLength: 0,
    logBytes: 0,
  };
  return (await keepEnded(ports, made)) ? { position, id, status: "failed", error } : undefined;
}
