import { RefusedError } from "../../../lib/domain/errors.ts";
import { readLargeValue } from "../../../lib/domain/large-values.ts";
import type { Ports } from "../../../lib/domain/ports.ts";
import { buildPrompt } from "../../../lib/domain/prompt.ts";
import { invokeOnce, withSession } from "../../../lib/domain/session.ts";
import { noteStart } from "../../../lib/domain/starting.ts";
import type { Json, Task } from "../../../lib/domain/task.ts";
import {
  CONTRACT,
  helloReplySchema,
  type StartOperation,
  startReplySchema,
} from "../../../lib/domain/worker-contract.ts";
import { parseReply } from "../../../lib/domain/worker-reply.ts";
import { current, done, type Step } from "./step.ts";

const TIMEOUT_MS = 20_000;

/** Learns who the worker is, and hands it the job. Repeated, it runs nothing twice: a replaced worker refuses. */
export const start: Step = async (ports, input) => {
  const task = await current(ports, input);
  if (task?.status !== "starting") return done;
  const bootId = task.session?.bootId ?? (await meet(ports, task));
  const operation = await startOperation(ports, task, bootId);
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

async function startOperation(ports: Ports, task: Task, bootId: string): Promise<StartOperation> {
  const input = (task.inputRef ? await readLargeValue(ports, task.inputRef) : task.input) as Json;
  const context = isObject(input.context) ? input.context : undefined;
  const instruction = typeof input.instruction === "string" ? input.instruction : undefined;
  const prompt = instruction && buildPrompt({ goal: task.goal, caller: task.caller, context, instruction });
  const { timeoutSeconds, graceSeconds, maxBudgetUsd } = task.limits;
  return {
    contract: CONTRACT,
    op: "start",
    bootId,
    taskId: task.id,
    taskType: task.taskType,
    ...(prompt && { prompt }),
    input,
    ...(context && { context }),
    ...(task.metadata && { metadata: task.metadata }),
    ...(task.env && { env: task.env }),
    limits: { timeoutSeconds, graceSeconds, ...(maxBudgetUsd !== undefined && { maxBudgetUsd }) },
    depth: task.depth,
  };
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
