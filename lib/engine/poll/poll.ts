import { WorkerGoneError } from "../../contract/errors.ts";
import { finalEvents } from "../../contract/events.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { MAX_POLL_WAIT_SECONDS, POLL_BYTES } from "../../contract/limits.ts";
import type { Task } from "../../contract/task.ts";
import { CONTRACT, type PollReply, pollReplySchema } from "../../contract/worker.ts";
import { undelivered, withDelivered, withRefused } from "../answers.ts";
import { adapterOf, boundsOf } from "../invocation-gate.ts";
import type { Ports } from "../ports.ts";
import { applyFailure, applyReply, canBeAsked } from "./apply-reply.ts";
import { type Kept, keepReply } from "./keep-reply.ts";
import { type Lease, takeLease } from "./poll-lease.ts";
import { applyUnkept, withoutResult } from "./unkept-reply.ts";
import { hearingOf, parseReply, refuseRefusal } from "./worker-reply.ts";

/** A poll may take the wait it asks for and this much more; both together stay inside the lease. */
const ANSWER_MS = 4000;
/** The part of it that a cancel, or answers to what the job asks, may take. */
const BEFORE_MS = 2000;

/** Of a synchronous call whoever holds it is the worker. */
const NOBODY_HOLDS = new WorkerGoneError("nobody holds the call to the runtime any more", { isCertain: false });

/**
 * Asks the worker for what is new, writes it, and moves the status. One asks at a time: resolves with undefined while
 * another does, when there is nobody to ask, or for a moment after a failure. `waitSeconds` (at most 10) is how long the
 * worker may wait for news. Failures to reach the worker are counted in the task, not thrown; our own are thrown, because
 * they say nothing of the job, and what could not be kept stays with the worker until somebody asks again.
 *
 * A job that is one synchronous call has nobody to ask: whoever holds it keeps the lease, and that the lease is free says
 * something only once the turn of SynchronousCall is over, as `isWatch` says.
 */
export async function poll(
  ports: Ports,
  taskId: string,
  options: { waitSeconds: number; isWatch?: boolean },
): Promise<Task | undefined> {
  const waitSeconds = Math.min(MAX_POLL_WAIT_SECONDS, options.waitSeconds);
  const timeoutMs = waitSeconds * 1000 + ANSWER_MS;
  const lease = await takeLease(ports, taskId, timeoutMs, (task) =>
    canBeAsked(task) && (options.isWatch || task.channel !== "synchronous") ? task : undefined,
  );
  if (!lease) return undefined;
  const { task, end } = lease;
  let asked: Awaited<ReturnType<typeof ask>>;
  try {
    if (task.channel === "synchronous") throw NOBODY_HOLDS;
    asked = await ask(ports, lease, waitSeconds, timeoutMs);
  } catch (error) {
    ports.log.debug("a poll failed", { taskId, error: String(error) });
    return settle(ports, () => end((current) => applyFailure(current, error, ports.now()), error));
  }
  const { reply, heard } = asked;
  try {
    const { said, kept } = await keep(ports, task, reply);
    return await settle(ports, () => end((current) => applyReply(heard(current), said, kept, ports.now())));
  } catch (error) {
    await end((current) => applyUnkept(current, reply, error, ports.now()), error)
      .then((ended) => settle(ports, async () => ended))
      .catch(() => {});
    throw error;
  }
}

/** Stores what the worker said; of an end whose result is refused and given up, the rest. */
async function keep(ports: Ports, task: Task, reply: PollReply): Promise<{ said: PollReply; kept: Kept }> {
  try {
    return { said: reply, kept: await keepReply(ports, task, reply) };
  } catch (error) {
    const said = withoutResult(task, reply, error, ports.now());
    if (!said) throw error;
    ports.log.warn("the result of a job is given up", { taskId: task.id, error: String(error) });
    return { said, kept: await keepReply(ports, task, said) };
  }
}

/** Makes a change and, when it ended the task, writes the events of the end. */
export async function settle(ports: Ports, change: () => Promise<Task>): Promise<Task> {
  const task = await change();
  if (isTerminal(task.status)) await ports.store.appendEvents(finalEvents(task));
  return task;
}

type Edit = (task: Task) => Task;

async function ask(
  ports: Ports,
  { task, untilMs }: Lease,
  waitSeconds: number,
  timeoutMs: number,
): Promise<{ reply: PollReply; heard: Edit }> {
  const adapter = adapterOf(ports, task);
  const common = { contract: CONTRACT, bootId: task.session?.bootId ?? "", taskId: task.id } as const;
  const endsAtMs = ports.steady() + timeoutMs;
  if (task.status === "cancelling") {
    const operation = { ...common, op: "cancel", graceSeconds: task.limits.graceSeconds } as const;
    refuseRefusal(await adapter.invoke(task, operation, boundsOf(ports, untilMs, BEFORE_MS)));
  }
  const answers = undelivered(task);
  const keys = Object.keys(answers);
  let heard: Edit = (current) => current;
  // Before it is asked what is new: what it said until then had not heard them.
  if (keys.length > 0) {
    const input = { ...common, op: "input", inputResponses: answers } as const;
    const hearing = hearingOf(await adapter.invoke(task, input, boundsOf(ports, untilMs, BEFORE_MS)));
    if (hearing.outcome === "refused") {
      ports.log.warn("a worker refused an answer, and asks again", { taskId: task.id, error: hearing.reason });
      heard = (current) => withRefused(current, keys);
    } else if (hearing.outcome !== "later") heard = (current) => withDelivered(current, keys);
  }
  const operation = { ...common, op: "poll", after: task.workerSequence, waitSeconds, maxBytes: POLL_BYTES } as const;
  const bounds = boundsOf(ports, untilMs, endsAtMs - ports.steady());
  const reply = parseReply(pollReplySchema, await adapter.invoke(task, operation, bounds));
  return { reply, heard };
}
