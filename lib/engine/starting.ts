import type { BackendAdapter, Placement } from "../backends/adapter.ts";
import { own } from "../contract/configuration.ts";
import { RefusedError } from "../contract/errors.ts";
import { ownEvent } from "../contract/events.ts";
import { defined, isObject } from "../contract/json.ts";
import { type Channel, jobTypeOf } from "../contract/kinds.ts";
import { buildPrompt } from "../contract/prompt.ts";
import { type Json, type Task, type TaskConversation, transition, without } from "../contract/task.ts";
import type { Job, JobConversation } from "../contract/worker.ts";
import { notedUntil } from "./invocation-gate.ts";
import { readLargeValue } from "./large-values.ts";
import type { Ports } from "./ports.ts";

/** What the worker of a task is to do. Throws RefusedError `platform.environment_lost`. */
export async function jobOf(ports: Ports, task: Task): Promise<Job> {
  if (task.envNames && !task.env)
    throw new RefusedError(
      "platform.environment_lost",
      "the values of its environment variables are not there any more",
      {
        hint: "dispatch the task again, with them",
      },
    );
  const input = (task.inputRef ? await readLargeValue(ports, task.inputRef) : task.input) as Json;
  const context = isObject(input.context) ? input.context : undefined;
  const instruction = typeof input.instruction === "string" ? input.instruction : undefined;
  const prompt = instruction && buildPrompt({ ...task, context, instruction });
  const { timeoutSeconds, graceSeconds, maxBudgetUsd, maxTokens, answerSeconds, unanswered } = task.limits;
  const conversation = task.conversation && (await conversationOf(ports, task.conversation));
  return {
    taskId: task.id,
    taskType: jobTypeOf(task.taskType),
    ...(prompt && { prompt }),
    input: task.responseFormat ? { ...input, response_format: task.responseFormat } : input,
    ...(context && { context }),
    ...(task.metadata && { metadata: task.metadata }),
    ...(task.env && { env: task.env }),
    limits: { timeoutSeconds, graceSeconds, ...defined({ maxBudgetUsd, maxTokens, answerSeconds, unanswered }) },
    depth: task.depth,
    ...(isTrusted(ports, task) && { trusted: true }),
    ...(conversation && { conversation }),
    ...(task.trace !== undefined && { traceparent: task.trace }),
  };
}

/** Whether the agent of a task dispatches tasks of its own: as the configuration now says, which may take it back. */
export const mayDispatch = (
  ports: Pick<Ports, "configuration">,
  { profile, taskType }: Pick<Task, "profile" | "taskType">,
): boolean => taskType === "agent.run" && own(ports.configuration().runtimes, profile)?.mayDispatch === true;

/** Refuses an agent that is to dispatch from where it reaches nothing. Throws RefusedError `adapter.unsupported`, `task.target_incomplete`. */
export function assertReaching(
  ports: Pick<Ports, "configuration">,
  route: Placement & Pick<Task, "profile" | "taskType">,
  { name, reachesSystem, agentRole }: BackendAdapter,
  channel: Channel | undefined,
): void {
  if (!mayDispatch(ports, route)) return;
  if (!reachesSystem || channel === "synchronous") {
    const whose = reachesSystem ? "a runtime without the worker contract" : name;
    const message = `agents of ${whose} cannot dispatch, as mayDispatch of ${route.profile} says`;
    throw new RefusedError("adapter.unsupported", message, {
      hint: "name a runtime profile without mayDispatch, or leave the place to the profile",
    });
  }
  if (agentRole && agentRole(route) === undefined)
    throw new RefusedError(
      "task.target_incomplete",
      "nobody says which role the runtime has whose agent is to dispatch",
      {
        hint: "set executionRoleArn in the details of its backend or of its runtime profile",
      },
    );
}

/** What the worker has to know of the conversation; files that are not kept any more are as if there had been none. */
async function conversationOf(ports: Ports, { id, session, state }: TaskConversation): Promise<JobConversation> {
  const target = state && (await ports.artifacts.downloadTarget(state.taskId, state));
  return {
    id,
    ...(session && { session }),
    ...(state && target && { state: { ...target, sizeBytes: state.sizeBytes, sha256: state.sha256 } }),
  };
}

/**
 * Whether the workspace may steer the agent: what was so at the dispatch, and is not taken back since by an edit of the
 * configuration.
 */
function isTrusted(ports: Ports, { id, trusted, profile, target }: Task): boolean {
  if (!trusted) return false;
  const still = own(ports.configuration().runtimes, profile)?.workspace === target.details?.workspace;
  if (!still) ports.log.warn("its profile lives in another folder now, so the task is not trusted", { taskId: id });
  return still;
}

/** Notes that the job runs: its deadline begins, and the values of its environment are forgotten. */
export async function noteStart(ports: Ports, taskId: string): Promise<Task> {
  const now = ports.now();
  await ports.store.appendEvents([ownEvent(taskId, "task.started", now)]);
  return ports.store.change(taskId, (task) => started(ports, task, now));
}

function started(ports: Ports, task: Task, nowMs: number): Task {
  const known = without(task, "env");
  if (task.status !== "starting") return known;
  return {
    ...transition(known, "running", nowMs),
    deadlineAtMs: nowMs + secondsFor(ports, task) * 1000,
    dueAtMs: nowMs + (ports.pace.maxPauseSeconds + 120) * 1000,
  };
}

/** How long the job of a task may last, in seconds: where it is one call, no longer than that can be held. Never throws. */
export function secondsFor(ports: Ports, { channel, backend, limits }: Task): number {
  const held = channel === "synchronous" ? own(ports.backends, backend)?.synchronous?.maxSeconds : undefined;
  return Math.min(limits.timeoutSeconds, held ?? Number.POSITIVE_INFINITY);
}

/**
 * Time for the first request of a session, which starts its machine and its container. No other may take longer, unless it
 * is the job itself.
 */
export const HELLO_MS = 60_000;

/** For how long an invocation of the task's session may be under way at most, in milliseconds. Never throws. */
export function longestInvocationMs(ports: Ports, task: Task): number {
  const longestMs = Math.max(HELLO_MS, task.channel === "synchronous" ? secondsFor(ports, task) * 1000 : 0);
  return notedUntil({ now: () => 0 }, longestMs);
}
