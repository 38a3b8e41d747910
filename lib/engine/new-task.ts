import { TASK_VERSION, type Task } from "../contract/task.ts";
import { FIRST_WORKER_SEQUENCE } from "../contract/worker.ts";
import { dueAt } from "./deadline.ts";
import type { Plan } from "./plan.ts";
import type { Ports } from "./ports.ts";

/** How long the caller's own attempt to start a task has before the janitor looks. */
const FIRST_LOOK_MS = 60_000;

/** A task as it is before anybody has asked for a slot for it; nothing is stored. */
export function newTask(
  ports: Pick<Ports, "now" | "trace">,
  owner: string,
  id: string,
  plan: Plan,
  place: Pick<Task, "depth" | "parent" | "root" | "treeEndsAtMs">,
): Task {
  const { route, env = {} } = plan;
  const nowMs = ports.now();
  const at = new Date(nowMs).toISOString();
  return {
    version: TASK_VERSION,
    id,
    owner,
    revision: 0,
    executionNumber: 1,
    provider: route.provider,
    accountProfile: route.accountProfile,
    capability: route.capability,
    backend: route.backend,
    ...(route.backendName !== undefined && { backendName: route.backendName }),
    profile: route.profile,
    taskType: route.taskType,
    ...(route.framework !== undefined && { framework: route.framework }),
    target: route.target,
    input: plan.input,
    ...(route.trusted && { trusted: route.trusted }),
    ...(route.instructions !== undefined && { instructions: route.instructions }),
    ...(plan.goal !== undefined && { goal: plan.goal }),
    ...(plan.caller !== undefined && { caller: plan.caller }),
    ...(route.metadata && { metadata: route.metadata }),
    ...(Object.keys(env).length > 0 && { env, envNames: Object.keys(env) }),
    limits: route.limits,
    ...plan.answer,
    ...place,
    ...(plan.place && { position: plan.place.position }),
    ...(ports.trace !== undefined && { trace: ports.trace }),
    status: "queued",
    phases: { queued: at },
    createdAt: at,
    updatedAt: at,
    dueAtMs: dueAt({ deadlineAtMs: place.treeEndsAtMs }, nowMs + FIRST_LOOK_MS),
    obligations: {},
    providerRefs: {},
    workerSequence: FIRST_WORKER_SEQUENCE - 1,
    logLength: 0,
    logBytes: 0,
    ...(plan.orchestration && begunAtOnce(plan.orchestration, place, at)),
  };
}

/** What has no worker begins as it is made. */
const begunAtOnce = (
  begins: NonNullable<Plan["orchestration"]>,
  { treeEndsAtMs = Number.POSITIVE_INFINITY }: Pick<Task, "treeEndsAtMs">,
  at: string,
) =>
  ({
    ...begins,
    deadlineAtMs: Math.min(begins.deadlineAtMs, treeEndsAtMs),
    status: "running",
    phases: { queued: at, running: at },
  }) as const;
