import { enforcePolicy } from "../config/policy.ts";
import type { Route } from "../config/routing.ts";
import { InvalidInputError, type Issue, RefusedError } from "../contract/errors.ts";
import { ownEvent } from "../contract/events.ts";
import { hasEnded, type Json, TASK_VERSION, type Task } from "../contract/task.ts";
import { conversationBegunBy, newTaskId, taskIdSchema } from "../contract/task-id.ts";
import type { TaskHandle } from "../contract/tools/task-handle.ts";
import { environmentNamePattern, FIRST_WORKER_SEQUENCE } from "../contract/worker.ts";
import { assertDispatchable, fits, MAX_DISPATCHED_BYTES } from "../store/task-size.ts";
import { beginAtOnce, enqueue } from "./admission/admission.ts";
import { lineage } from "./admission/lineage.ts";
import { servedChannel } from "./channel.ts";
import { callHash, KEY_LIFETIME_MS } from "./idempotency.ts";
import { adapterOf } from "./invocation-gate.ts";
import { keepLargeFields, storedPreview } from "./large-values.ts";
import type { Ports } from "./ports.ts";
import { taskHandle } from "./record.ts";

/** A dispatch that is decided and not yet done. */
export type Plan = {
  route: Route;
  input: Json;
  goal?: string | undefined;
  caller?: unknown;
  env?: Record<string, string> | undefined;
  /** The conversation that an agent goes on with; without it an agent begins one. */
  conversation?: string | undefined;
  /** How its answer is wanted. */
  answer?: Pick<Task, "summaryChars" | "responseFormat"> | undefined;
  /** Name of the call's field that `env` came in. */
  envField: "environment_variables" | "input.env";
  /** The validated call before defaults, with the name of its tool: what an idempotency key stands for. */
  call: unknown;
};

/** How long the caller's own attempt to start a task has before the janitor looks. */
const FIRST_LOOK_MS = 60_000;

/**
 * Makes a task durable, asks for a slot for it, and returns its handle. With a key, the same call sent again returns the
 * handle of the same task. Throws RefusedError `policy.denied` or `idempotency.conflict`, InvalidInputError, RetryableError.
 */
export async function dispatch(
  ports: Ports,
  owner: string,
  plan: Plan,
  { idempotencyKey }: { idempotencyKey?: string | undefined } = {},
): Promise<TaskHandle> {
  const { route } = plan;
  enforcePolicy(ports.configuration().policy, { ...route, targetMode: route.target.mode });
  checkEnvironment(plan.env ?? {}, plan.envField);
  const { input, env } = plan;
  const adapter = adapterOf(ports, route);
  await adapter.assertPossible?.({ ...route, input, ...(env && { env }) });
  const channel = servedChannel(adapter.channel(route));
  const place = await placeOf(ports, owner, plan);

  const asked = { ...newTask(ports, owner, newTaskId(), plan, place), ...(channel && { channel }) };
  assertDispatchable({ ...asked, input: storedPreview(asked.input) });

  let { id } = asked;
  if (idempotencyKey !== undefined) {
    const hash = await callHash(plan.call);
    const nowMs = ports.now();
    const mine = { taskId: id, callHash: hash, expiresAtMs: nowMs + KEY_LIFETIME_MS };
    const claim = await ports.store.claimKey(owner, idempotencyKey, mine, nowMs);
    if (claim.callHash !== hash) {
      throw new RefusedError("idempotency.conflict", "this idempotency key was used for another call", {
        hint: "send the call exactly as before to get its task, or choose another idempotency_key",
        details: { taskId: claim.taskId },
      });
    }
    const earlier = claim.taskId === id ? undefined : await ports.store.get(claim.taskId);
    if (earlier) return resume(ports, earlier);
    id = claim.taskId;
  }

  const begun = plan.conversation ?? conversationBegunBy(id);
  const conversation = route.taskType === "agent.run" ? { conversation: { id: begun } } : {};
  const task = await withLargeInput(ports, { ...asked, ...conversation, id });
  if (!(await ports.store.create(task))) {
    // the same call, sent at the same time, was faster
    const other = await ports.store.get(id);
    return taskHandle(other ?? task, ports.backends);
  }
  return taskHandle(await admitNew(ports, task), ports.backends);
}

/**
 * Asks for a slot for a task that was just made; one that has none waits in the queue. Resolves with the task as it stands.
 * That it was made is told here only if it waits, because the first step of its execution tells it in any case.
 */
async function admitNew(ports: Ports, task: Task): Promise<Task> {
  try {
    const begun = await beginAtOnce(ports, task);
    if (begun) return begun;
  } catch (error) {
    ports.log.warn("a task could not begin at once and is queued", { taskId: task.id, error: String(error) });
  }
  await ports.store.appendEvents([ownEvent(task.id, "task.created", Date.parse(task.createdAt))]);
  return enqueue(ports, task);
}

/** The handle of a task that a retried call stands for; one that waits past its time is queued again first. */
async function resume(ports: Ports, task: Task): Promise<TaskHandle> {
  const isOverdue = task.status === "queued" && (task.dueAtMs ?? 0) <= ports.now();
  return taskHandle(isOverdue ? await enqueue(ports, task) : task, ports.backends);
}

function newTask(ports: Ports, owner: string, id: string, plan: Plan, place: { depth: number; parent?: string }): Task {
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
    status: "queued",
    phases: { queued: at },
    createdAt: at,
    updatedAt: at,
    dueAtMs: nowMs + FIRST_LOOK_MS,
    obligations: {},
    providerRefs: {},
    workerSequence: FIRST_WORKER_SEQUENCE - 1,
    logLength: 0,
    logBytes: 0,
  };
}

/** The input is kept elsewhere when it is large, or when there is no room for it beside the rest. */
async function withLargeInput(ports: Ports, task: Task): Promise<Task> {
  const maxBytes = fits(task, MAX_DISPATCHED_BYTES) ? undefined : 0;
  return { ...task, ...(await keepLargeFields(ports, task.id, "input", task.input, maxBytes)) };
}

/** A task that names a parent of the same owner lies one level below it; a name that is no such task says nothing. */
async function placeOf(
  ports: Ports,
  owner: string,
  { route: { metadata, limits }, conversation }: Plan,
): Promise<{ depth: number; parent?: string }> {
  const named = taskIdSchema.safeParse(metadata?.parentTaskId);
  if (!named.success) return { depth: 0 };
  const above = await lineage(ports, { parent: named.data });
  const parent = above[0];
  if (parent?.owner !== owner) return { depth: 0 };
  const ended = above.find(({ calledOff }) => calledOff);
  if (ended) {
    throw new RefusedError("task.terminal", `task ${ended.id} was cancelled, with everything that it dispatched`, {
      hint: "leave metadata.parentTaskId out if the task is not a part of it",
      details: { taskId: ended.id, status: ended.status },
    });
  }
  const same = conversation && above.find((each) => each.conversation?.id === conversation && !hasEnded(each));
  if (same) {
    const message = `task ${same.id}, which dispatches this one, has its turn in that conversation`;
    throw new InvalidInputError([{ path: "conversation", message }], {
      hint: "each would wait for the other; leave conversation out, so that the task begins one of its own",
    });
  }
  const depth = parent.depth + 1;
  if (depth > limits.maxDepth) {
    throw new RefusedError(
      "policy.denied",
      `tasks may dispatch tasks ${limits.maxDepth} levels deep, and this one is at ${depth}`,
      {
        hint: "the limit is maxDepth, under limits in the configuration file",
        details: { depth, maxDepth: limits.maxDepth },
      },
    );
  }
  return { depth, parent: parent.id };
}

const MAX_VARIABLES = 50;
const MAX_ENVIRONMENT_BYTES = 32 * 1024;

function checkEnvironment(env: Record<string, string>, field: string): void {
  const issues: Issue[] = [];
  const path = (name: string) => `${field}.${name.slice(0, 100)}`;
  const names = Object.keys(env);
  if (names.length > MAX_VARIABLES) {
    issues.push({
      path: field,
      message: `holds ${names.length} names; at most ${MAX_VARIABLES} fit`,
    });
  }
  for (const name of names.slice(0, MAX_VARIABLES)) {
    if (!environmentNamePattern.test(name)) {
      issues.push({ path: path(name), message: "a name is letters, digits and underscores" });
    } else if (/^AGENTDISPATCH_/i.test(name)) {
      issues.push({ path: path(name), message: "names that begin with AGENTDISPATCH_ are ours" });
    }
    if (env[name]?.includes("\0")) issues.push({ path: path(name), message: "a value holds no NUL character" });
  }
  const size = new TextEncoder().encode(JSON.stringify(env)).byteLength;
  if (size > MAX_ENVIRONMENT_BYTES) {
    issues.push({
      path: field,
      message: `is ${size} bytes long; at most ${MAX_ENVIRONMENT_BYTES} fit`,
    });
  }
  if (issues.length > 0) throw new InvalidInputError(issues);
}
