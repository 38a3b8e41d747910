import { isCompleting } from "../../../lib/domain/completing.ts";
import { type Problem, problemSchema } from "../../../lib/domain/errors.ts";
import { isTerminal } from "../../../lib/domain/lifecycle.ts";
import type { Ports } from "../../../lib/domain/ports.ts";
import { fail as failed, pull, settle } from "../../../lib/domain/pull.ts";
import { type Task, transition } from "../../../lib/domain/task.ts";
import { again, current, done, type Step, type StepInput } from "./step.ts";

/** Ends a task whose step failed for good, unless its worker, asked once more, runs or has ended with a result. */
export const fail: Step = async (ports, input) => {
  const task = await current(ports, input);
  if (!task || isTerminal(task.status)) return done;
  const problem = problemOf(input.failure);
  // A refusal is final; anything else may have happened on the way, and only the worker can tell.
  if (problem.retryable && (await worksAfterAll(ports, task))) return again(1);
  await settle(ports, () =>
    ports.store.change(task.id, (now) => (now.n === input.n ? ended(now, problem, ports.now()) : undefined)),
  );
  return done;
};

/** From `completing` on the result stands: what cannot be brought home any more is only its artifacts. */
function ended(task: Task, problem: Problem, nowMs: number): Task | undefined {
  if (isTerminal(task.status)) return undefined;
  if (!isCompleting(task) || !task.outcome) return failed(task, problem, nowMs);
  const reason = problem.message;
  const artifacts = task.artifacts.map((artifact) =>
    artifact.state === "pending" ? ({ ...artifact, state: "lost", reason } as const) : artifact,
  );
  return transition({ ...task, artifacts }, task.outcome.status, nowMs);
}

async function worksAfterAll(ports: Ports, task: Task): Promise<boolean> {
  if (isCompleting(task)) return false;
  if (task.status === "starting" && task.session?.startAttemptedAtMs !== undefined) {
    const asked = await ports.store.change(task.id, (now) =>
      now.status === "starting"
        ? { ...transition(now, "running", ports.now()), deadlineAtMs: ports.now() + now.limits.timeoutSeconds * 1000 }
        : undefined,
    );
    return asked.status === "running";
  }
  const pulled = await pull(ports, task.id, { waitSeconds: 0 });
  return pulled !== undefined && !isTerminal(pulled.status) && (pulled.session?.goneProofs ?? 0) === 0;
}

/** The problem that the failed step put into its message; a step that died without one was ours. */
function problemOf(failure: StepInput["failure"]): Problem {
  const internal: Problem = {
    code: "platform.internal",
    message: `a step of the workflow failed: ${failure?.Error ?? "unknown"}`,
    retryable: true,
    hint: "the log of the workflow steps has the details",
  };
  try {
    const cause: unknown = JSON.parse(failure?.Cause ?? "");
    const text = (cause as { errorMessage?: unknown }).errorMessage;
    return problemSchema.parse(JSON.parse(typeof text === "string" ? text : ""));
  } catch {
    return internal;
  }
}
