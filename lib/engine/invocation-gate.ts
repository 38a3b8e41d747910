import type { Bounds } from "../backends/adapter.ts";
import { own } from "../contract/configuration.ts";
import { factsOf } from "../contract/error-codes.ts";
import { DispatchError, OutcomeUnknownError, RefusedError, RetryableError } from "../contract/errors.ts";
import type { Session, Task } from "../contract/task.ts";
import { randomHex } from "../contract/task-id.ts";
import type { Ports } from "./ports.ts";

/**
 * Slack between the end of an invocation's own time limit and the moment nothing of it can arrive any more. It covers what was on
 * the wire when its connection was given up. What a network holds back for longer no sender can call back: AgentCore refuses it
 * five minutes after it was signed (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html), and a machine that it
 * begins before that has no job (`start` names another boot) and ends by itself when it was idle for IDLE_SECONDS.
 */
const IN_FLIGHT_SLACK_MS = 1000;

/** An invocation that is noted in its task: nothing of it may be under way after `untilMs`, in epoch milliseconds. */
export type Invocation = { task: Task; invocation: string; untilMs: number };

/** Until when an invocation is noted that begins now and takes so long at most, in epoch milliseconds. */
export const notedUntil = ({ now }: Pick<Ports, "now">, timeoutMs: number): number =>
  now() + timeoutMs + IN_FLIGHT_SLACK_MS;

/**
 * What bounds each request of an invocation: what is left of the time for which it is noted, and `mostMs` at most. This process may
 * have stood still since it was noted, a Lambda function frozen or a machine asleep; the session may be over by now, and a
 * request would begin, and bill, another machine. So it is asked once more as the last thing before the request leaves. Throws
 * RetryableError `platform.stood_still` when nothing is left.
 */
export function boundsOf({ now }: Pick<Ports, "now">, untilMs: number, mostMs: number): Required<Bounds> {
  const endsAtMs = untilMs - IN_FLIGHT_SLACK_MS;
  const beforeSend = () => {
    if (now() < endsAtMs) return;
    throw new RetryableError("platform.stood_still", "this process stood still for too long: nothing was sent", {
      hint: "ask again",
    });
  };
  beforeSend();
  // Timers want whole milliseconds, and the steady clock has fractions.
  return { timeoutMs: Math.max(1, Math.floor(Math.min(mostMs, endsAtMs - now()))), beforeSend };
}

/**
 * The gate before every invocation: notes the invocation in the task in the same write as `edit`, and only while the session is
 * open, because an invocation that arrives after the last stop would start, and bill, a new machine.
 * Resolves with undefined, and nothing written, when `edit` returns undefined. Throws RefusedError `session.closed`.
 */
export async function beginInvocation(
  ports: Ports,
  taskId: string,
  timeoutMs: number,
  edit: (task: Task) => Task | undefined,
): Promise<Invocation | undefined> {
  const invocation = randomHex(8);
  const task = await ports.store.change(taskId, (current) => {
    const next = edit(current);
    if (!next) return undefined;
    if (next.session?.state !== "open") throw new RefusedError("session.closed", "the session of the task is closed");
    const now = ports.now();
    // Those whose outcome never came are over by now, and would pile up.
    const underWay = Object.entries(next.session.inFlight).filter(([, untilMs]) => untilMs > now);
    const inFlight = { ...Object.fromEntries(underWay), [invocation]: notedUntil(ports, timeoutMs) };
    return countSent(withSession(next, { inFlight }), 1);
  });
  const untilMs = own(task.session?.inFlight ?? {}, invocation);
  return untilMs === undefined ? undefined : { task, invocation, untilMs };
}

/**
 * Notes the end of an invocation in the same write as `edit`: now, or when what was sent cannot arrive any more, `lateMs`
 * from now.
 */
export function endInvocation(
  ports: Ports,
  taskId: string,
  invocation: string,
  edit = (task: Task): Task => task,
  lateMs = 0,
): Promise<Task> {
  const untilMs = lateMs > 0 ? ports.now() + lateMs : 0;
  return ports.store.change(taskId, (current) => edit(withoutInvocation(current, invocation, untilMs)));
}

/** Whether nothing of the failed invocation can arrive any more, so that it is in flight no more. */
export const isOver = (error: unknown): boolean =>
  !(error instanceof OutcomeUnknownError || (error instanceof Error && error.cause instanceof OutcomeUnknownError));

/** The task with its session's fields replaced. */
export function withSession<T extends Task>(task: T, changes: Partial<Session>): T {
  return task.session ? { ...task, session: { ...task.session, ...changes } } : task;
}

/** A session of which nobody counted from the beginning stays without a count. */
const countSent = (task: Task, by: 1 | -1): Task =>
  task.session?.sent === undefined ? task : withSession(task, { sent: task.session.sent + by });

/** Whether the platform turned an invocation away, or was never asked. */
const isTurnedAway = (error: unknown): boolean =>
  error instanceof DispatchError && factsOf(error.code).delivered === "no";

function withoutInvocation(task: Task, invocation: string, untilMs: number): Task {
  if (!task.session) return task;
  const { [invocation]: _ended, ...inFlight } = task.session.inFlight;
  return withSession(task, { inFlight: untilMs > 0 ? { ...inFlight, [invocation]: untilMs } : inFlight });
}

/** Epoch milliseconds until which an invocation may still be under way; 0 when none is. */
export function inFlightUntil({ inFlight }: Pick<Session, "inFlight">): number {
  return Math.max(0, ...Object.values(inFlight));
}

/** The invocations in flight of a session, none of which lasts beyond `latestMs`. */
export const clampInFlight = ({ inFlight }: Pick<Session, "inFlight">, latestMs: number): Session["inFlight"] =>
  Object.fromEntries(
    Object.entries(inFlight).map(([invocation, untilMs]) => [invocation, Math.min(untilMs, latestMs)]),
  );

/**
 * Sends one operation inside the gate. Resolves with undefined, and sends nothing, when `edit` returns undefined. Throws
 * what the adapter throws, RefusedError `session.closed`, RetryableError `platform.stood_still`.
 */
export async function invokeOnce(
  ports: Ports,
  taskId: string,
  timeoutMs: number,
  operation: (task: Task) => Parameters<Ports["backends"][string]["invoke"]>[1],
  edit: (task: Task) => Task | undefined = (task) => task,
): Promise<unknown> {
  const begun = await beginInvocation(ports, taskId, timeoutMs, edit);
  if (!begun) return undefined;
  const { task, invocation, untilMs } = begun;
  try {
    const adapter = adapterOf(ports, task);
    const reply = await adapter.invoke(task, operation(task), boundsOf(ports, untilMs, timeoutMs));
    await endInvocation(ports, taskId, invocation);
    return reply;
  } catch (error) {
    if (isOver(error))
      await endInvocation(ports, taskId, invocation, (current) =>
        isTurnedAway(error) ? countSent(current, -1) : current,
      );
    throw error;
  }
}

/** The adapter that serves a task. Throws RefusedError `adapter.unsupported`. */
export function adapterOf(ports: Ports, task: Pick<Task, "backend">) {
  const adapter = Object.hasOwn(ports.backends, task.backend) ? ports.backends[task.backend] : undefined;
  if (adapter) return adapter;
  throw new RefusedError("adapter.unsupported", `no backend adapter is named ${task.backend}`, {
    hint: "list_capabilities shows the adapters",
  });
}
