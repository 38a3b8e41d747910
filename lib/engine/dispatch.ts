import { enforcePolicy } from "../config/policy.ts";
import { RefusedError } from "../contract/errors.ts";
import { ownEvent } from "../contract/events.ts";
import type { Channel } from "../contract/kinds.ts";
import type { Task } from "../contract/task.ts";
import { conversationBegunBy, newTaskId } from "../contract/task-id.ts";
import type { TaskHandle } from "../contract/tools/task-handle.ts";
import { readable } from "../store/stored-task.ts";
import { assertDispatchable, fits, MAX_DISPATCHED_BYTES } from "../store/task-size.ts";
import { beginAtOnce, enqueue } from "./admission/admission.ts";
import { cachingOf, findAnswer, noteLookup } from "./answer-cache/cache.ts";
import { answerKey } from "./answer-cache/key.ts";
import { cancelTask } from "./cancellation.ts";
import { servedChannel } from "./channel.ts";
import { callHash, KEY_LIFETIME_MS } from "./idempotency.ts";
import { adapterOf } from "./invocation-gate.ts";
import { keepLargeFields, storedPreview } from "./large-values.ts";
import { newTask } from "./new-task.ts";
import type { Plan } from "./plan.ts";
import type { Ports } from "./ports.ts";
import { taskHandle } from "./record.ts";
import { checkEnvironment } from "./service/environment.ts";
import { assertReaching } from "./starting.ts";
import { enterTree } from "./tree/enter.ts";
import { assertNoLoop } from "./tree/loop.ts";
import { beginsNothing } from "./tree/orphans.ts";
import { lineAbove, placeBelow } from "./tree/place.ts";

/** Of one that is made of others, which is written for each of them: what stands of its input in its record, in bytes. */
const MAX_SPECIFICATION = 4000;

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
  const channel = plan.orchestration ? undefined : await jobChannel(ports, plan);
  const above = await lineAbove(ports, owner, plan);
  const place = placeBelow(ports, above, plan);

  const asked = { ...newTask(ports, owner, plan.place?.id ?? newTaskId(), plan, place), ...(channel && { channel }) };
  assertDispatchable({ ...asked, input: storedPreview(asked.input) });
  await assertNoLoop(ports, asked, above);

  // An earlier answer is what the key stands for, if nothing is yet.
  const answer = await answerOf(ports, owner, plan);
  const mine = answer?.earlier?.id ?? asked.id;
  const id = idempotencyKey === undefined ? mine : await claimed(ports, owner, plan, { key: idempotencyKey, id: mine });
  if (id !== mine) {
    const made = await ports.store.get(id);
    if (made) return resume(ports, made);
  }
  const earlier = answer?.earlier?.id === id ? answer.earlier : undefined;
  if (answer?.looks) await noteLookup(ports, owner, earlier !== undefined);
  if (earlier) return { ...taskHandle(earlier, ports.backends), cached: true };
  try {
    await enterTree(ports, { ...asked, id }, above);
  } catch (error) {
    // Whoever made it before has let it in.
    const made = error instanceof RefusedError && (await ports.store.get(id));
    if (made) return resume(ports, made);
    throw error;
  }

  const begun = plan.conversation ?? conversationBegunBy(id);
  const conversation = route.taskType === "agent.run" ? { conversation: { id: begun } } : {};
  const task = await withLargeInput(ports, {
    ...asked,
    ...conversation,
    ...(answer && { answerKey: answer.key }),
    id,
  });
  if (!(await ports.store.create(task))) {
    // the same call, sent at the same time, was faster
    const other = await ports.store.get(id);
    return taskHandle(other ?? task, ports.backends);
  }
  // Nothing of it runs: whoever dispatched it brings it on.
  if (plan.orchestration) return taskHandle(task, ports.backends);
  return taskHandle((await withoutWhole(ports, plan, task)) ?? (await admitNew(ports, task)), ports.backends);
}

/**
 * Cancels a part of what was cancelled meanwhile, which it alone was: that has read of which it is made after it was written, as
 * this one is read after it was made. Undefined where it goes on.
 */
async function withoutWhole(ports: Ports, { place }: Plan, task: Task): Promise<Task | undefined> {
  const whole = place && task.parent !== undefined ? await readable(ports.store, task.parent) : undefined;
  return whole && beginsNothing(whole) ? cancelTask(ports, task) : undefined;
}

/** The id of the task that a key stands for: `id`, unless it is claimed already. Throws RefusedError `idempotency.conflict`. */
async function claimed(ports: Ports, owner: string, plan: Plan, { key, id }: { key: string; id: string }) {
  const hash = await callHash(plan.call);
  const nowMs = ports.now();
  const mine = { taskId: id, callHash: hash, expiresAtMs: nowMs + KEY_LIFETIME_MS };
  const claim = await ports.store.claimKey(owner, keyWithin(ports, plan, key), mine, nowMs);
  if (claim.callHash === hash) return claim.taskId;
  throw new RefusedError("idempotency.conflict", "this idempotency key was used for another call", {
    hint: "send the call exactly as before to get its task, or choose another idempotency_key",
    details: { taskId: claim.taskId },
  });
}

/** `looks` says whether an earlier answer was looked for, `earlier` the task that gave it. */
type KeptAnswer = { key: string; looks: boolean; earlier: Task | undefined };

/**
 * What the call may be answered by, or its answer be kept for; undefined for what is no question to an agent alone. Values of
 * the environment are kept nowhere, so nobody could tell whether they are the same.
 */
async function answerOf(ports: Ports, owner: string, plan: Plan): Promise<KeptAnswer | undefined> {
  const { cache, conversation, orchestration, route, env = {} } = plan;
  // An earlier answer may be of a task that is not there for the agent of another.
  const isAlone =
    ports.within === undefined && conversation === undefined && !orchestration && Object.keys(env).length === 0;
  const caching = cache && isAlone ? cachingOf(ports.configuration(), cache.asked) : undefined;
  if (!caching || route.taskType !== "agent.run") return undefined;
  const { looks, ttlMs } = caching;
  const key = await answerKey(ports, owner, plan);
  return { key, looks, earlier: looks ? await findAnswer(ports, owner, { key, ttlMs }) : undefined };
}

/** The agent of a task has keys of its own; what is made of others has its parts by its own. */
const keyWithin = ({ within }: Ports, { place }: Plan, key: string): string =>
  within === undefined || place ? key : `${within} ${key}`;

/** How a worker that is to run it would be spoken to, where that is known. Throws what says that none can. */
async function jobChannel(ports: Ports, { route, input, env }: Plan): Promise<Channel | undefined> {
  const adapter = adapterOf(ports, route);
  const channel = servedChannel(adapter.channel(route));
  assertReaching(ports, route, adapter, channel);
  await adapter.assertPossible?.({ ...route, input, ...(env && { env }) });
  return channel;
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

/** The input is kept elsewhere when it is large, or when there is no room for it beside the rest. */
async function withLargeInput(ports: Ports, task: Task): Promise<Task> {
  const maxBytes = task.orchestration ? MAX_SPECIFICATION : fits(task, MAX_DISPATCHED_BYTES) ? undefined : 0;
  const previewLength = task.orchestration ? MAX_SPECIFICATION : undefined;
  return { ...task, ...(await keepLargeFields(ports, task.id, "input", task.input, { maxBytes, previewLength })) };
}
