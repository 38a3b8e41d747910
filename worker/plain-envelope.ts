import type { Problem } from "../lib/contract/errors.ts";
import { DEFAULT_COMMAND_SECONDS } from "../lib/contract/limits.ts";
import { newTaskId } from "../lib/contract/task-id.ts";
import {
  type PlainEnvelope,
  plainEnvelopeSchema,
  type WorkerArtifact,
  type WorkerEvent,
} from "../lib/contract/worker.ts";
import { parse } from "./parse.ts";
import type { Session } from "./sessions/session.ts";

const LIMITS = { timeoutSeconds: DEFAULT_COMMAND_SECONDS, graceSeconds: 5 };
/** The answer has to travel in one piece. */
const MAX_EVENTS_BYTES = 1024 * 1024;

export type PlainReply = {
  ok: boolean;
  output?: unknown;
  events: WorkerEvent[];
  artifacts: WorkerArtifact[];
  error?: Problem;
};

/** Runs a task and answers with all of it: for callers that know nothing of the contract. Ends it when they hang up. */
export async function answerPlainly(session: Session, body: object, gone: AbortSignal): Promise<PlainReply> {
  const envelope = parse(plainEnvelopeSchema, body);
  const taskId = newTaskId();
  const job = session.startPlain({ ...envelope, input: inputOf(envelope), taskId, limits: LIMITS, depth: 0 });
  gone.addEventListener("abort", () => job.cancel(LIMITS.graceSeconds));
  await job.done;
  session.health.taskCollected();
  await job.dispose();
  const { result, error } = job.outcome;
  return {
    ok: job.status === "succeeded",
    ...(result !== undefined && { output: result }),
    events: job.events.page(0, MAX_EVENTS_BYTES).events,
    artifacts: job.artifacts?.artifacts ?? [],
    ...(error && { error }),
  };
}

/** A prompt alone is instruction enough. */
function inputOf({ taskType, input, prompt }: PlainEnvelope): Record<string, unknown> {
  return taskType === "agent.run" && prompt !== undefined ? { instruction: prompt, ...input } : input;
}
