import { factsOf } from "../../contract/error-codes.ts";
import { DispatchError, RetryableError } from "../../contract/errors.ts";
import { type Task, without } from "../../contract/task.ts";
import { CONTRACT, helloReplySchema, startReplySchema } from "../../contract/worker.ts";
import { takeAnotherWorker } from "../another-worker.ts";
import { invokeOnce, withSession } from "../invocation-gate.ts";
import { parseReply } from "../poll/worker-reply.ts";
import type { Ports } from "../ports.ts";
import { HELLO_MS, jobOf, mayDispatch, noteStart } from "../starting.ts";
import { boundByTree } from "../tree/bound.ts";
import { current, done, type Step } from "./step.ts";

const TIMEOUT_MS = 20_000;

/**
 * Learns who the worker is, and hands it the job. Repeated, it runs nothing twice: a replaced worker refuses. One that is
 * lost before the job can have reached it is replaced by another. A job that is one synchronous call is left
 * to the step of that name.
 */
export const start: Step = async (ports, input) => {
  for (;;) {
    const known = await current(ports, input);
    if (known?.status !== "starting") return done;
    const task = await boundByTree(ports, known);
    if (task.status !== "starting") return done;
    if (task.channel === "synchronous") return { ...done, synchronous: true };
    try {
      await handOver(ports, task);
    } catch (error) {
      await takeAnotherWorker(ports, task.id, error);
    }
  }
};

async function handOver(ports: Ports, task: Task): Promise<void> {
  const bootId = task.session?.bootId ?? (await meet(ports, task));
  const reaching = mayDispatch(ports, task) ? ports.dispatching?.(task) : undefined;
  const job = { ...(await jobOf(ports, task)), ...(reaching && { dispatching: reaching.by }) };
  const operation = { contract: CONTRACT, op: "start", bootId, ...job } as const;
  let reply: unknown;
  try {
    reply = await invokeOnce(
      ports,
      task.id,
      TIMEOUT_MS,
      () => operation,
      (now) => attempted(now, bootId, ports.now(), reaching?.proof),
    );
    if (reply === undefined) return;
    parseReply(startReplySchema, reply);
  } catch (error) {
    if (neverReached(error)) await ports.store.change(task.id, unattempted);
    throw error;
  }
  await noteStart(ports, task.id);
}

/** Whether a worker that failed to be handed the job has certainly not got it: nothing reached it, or it was another boot. */
const neverReached = (error: unknown): boolean =>
  error instanceof DispatchError && (error.code === "worker.replaced" || factsOf(error.code).delivered === "no");

/**
 * The task as the job is about to be handed to that boot of its worker; undefined when it must not be any more, because the
 * task was cancelled on the way here, or another attempt has given it another worker.
 */
function attempted(task: Task, bootId: string, nowMs: number, proof: string | undefined): Task | undefined {
  const { session } = task;
  if (task.status !== "starting" || session?.bootId !== bootId) return undefined;
  const { startAttemptedAtMs = nowMs } = session;
  const before = session.startAttempts ?? (session.startAttemptedAtMs === undefined ? 0 : 1);
  const tokens = proof === undefined ? {} : { tokens: [...(session.tokens ?? []), proof] };
  return withSession(task, { startAttemptedAtMs, startAttempts: before + 1, ...tokens });
}

/** What the only attempt takes back that has failed: another may overlap it, after a lost answer, and have been accepted. */
const unattempted = (task: Task): Task | undefined =>
  task.status === "starting" && task.session?.startAttempts === 1
    ? { ...task, session: without(task.session, "startAttemptedAtMs", "startAttempts", "tokens") }
    : undefined;

/** Stores the worker's boot id once; whoever answers with another later is another machine. */
async function meet(ports: Ports, task: Task): Promise<string> {
  const reply = await invokeOnce(ports, task.id, HELLO_MS, () => ({ contract: CONTRACT, op: "hello" }));
  const { bootId } = parseReply(helloReplySchema, reply);
  const known = await ports.store.change(task.id, (current) =>
    current.session?.bootId === undefined ? withSession(current, { bootId }) : undefined,
  );
  if (known.session?.bootId !== bootId)
    throw new RetryableError("worker.replaced", "the worker was replaced before the job could start");
  return bootId;
}
