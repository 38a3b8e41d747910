import { RefusedError } from "../../../lib/domain/errors.ts";
import type { Ports } from "../../../lib/domain/ports.ts";
import { foreignOf, invokeOnce, withSession } from "../../../lib/domain/session.ts";
import { jobOf, noteStart } from "../../../lib/domain/starting.ts";
import type { Task } from "../../../lib/domain/task.ts";
import { CONTRACT, helloReplySchema, startReplySchema } from "../../../lib/domain/worker-contract.ts";
import { parseReply } from "../../../lib/domain/worker-reply.ts";
import { current, done, type Step } from "./step.ts";

const TIMEOUT_MS = 20_000;

/**
 * Learns who the worker is, and hands it the job. Repeated, it runs nothing twice: a replaced worker refuses. A job whose
 * runtime knows no contract is left to InvokeForeign.
 */
export const start: Step = async (ports, input) => {
  const task = await current(ports, input);
  if (task?.status !== "starting") return done;
  if (foreignOf(ports, task)) return { ...done, foreign: true };
  const bootId = task.session?.bootId ?? (await meet(ports, task));
  const operation = { contract: CONTRACT, op: "start", bootId, ...(await jobOf(ports, task)) } as const;
  const reply = await invokeOnce(
    ports,
    task.id,
    TIMEOUT_MS,
    () => operation,
    // A task that was cancelled on the way here must not begin.
    (now) =>
      now.status === "starting"
        ? withSession(now, { startAttemptedAtMs: now.session?.startAttemptedAtMs ?? ports.now() })
        : undefined,
  );
  if (reply === undefined) return done;
  parseReply(startReplySchema, reply);
  await noteStart(ports, task.id);
  return done;
};

/** Stores the worker's boot id once; whoever answers with another later is another machine. */
async function meet(ports: Ports, task: Task): Promise<string> {
  const reply = await invokeOnce(ports, task.id, TIMEOUT_MS, () => ({ contract: CONTRACT, op: "hello" }));
  const { bootId } = parseReply(helloReplySchema, reply);
  const known = await ports.store.change(task.id, (current) =>
    current.session?.bootId === undefined ? withSession(current, { bootId }) : undefined,
  );
  if (known.session?.bootId !== bootId)
    throw new RefusedError("worker.replaced", "the worker was replaced before the job could start");
  return bootId;
}
