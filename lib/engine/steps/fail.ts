import { type Problem, problem } from "../../contract/errors.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { problemSchema } from "../../contract/said-problem.ts";
import type { Task } from "../../contract/task.ts";
import type { StepInput } from "../../workflow/port.ts";
import { isUploadOverdue } from "../completion.ts";
import { canBeAsked, fail as failed, isCompleting } from "../poll/apply-reply.ts";
import { settle } from "../poll/poll.ts";
import type { Ports } from "../ports.ts";
import { noteStart } from "../starting.ts";
import { again, current, done, type Step } from "./step.ts";

/** Ends a task whose step failed for good, unless its job may run, or has ended: what became of it, Watch finds out. */
export const fail: Step = async (ports, input) => {
  const task = await current(ports, input);
  if (!task || isTerminal(task.status)) return done;
  const problem = problemOf(input.failure);
  // A refusal is final, unless another attempt to start it overlapped; anything else may have happened on the way, and only the
  // worker can tell.
  const isFinal = !problem.retryable && (task.session?.startAttempts ?? 0) <= 1;
  if (!isFinal && (await goesOn(ports, task))) return again(1);
  await settle(ports, () =>
    ports.store.change(task.id, (now) =>
      now.executionNumber === input.n ? failed(now, problem, ports.now()) : undefined,
    ),
  );
  return done;
};

async function goesOn(ports: Ports, task: Task): Promise<boolean> {
  if (isCompleting(task)) return !isUploadOverdue(task, ports.now());
  const mayRun = task.status === "starting" && task.session?.startAttemptedAtMs !== undefined;
  return canBeAsked(mayRun ? await noteStart(ports, task.id) : task);
}

/** The problem that the failed step put into its message; a step that died without one was ours. */
function problemOf(failure: StepInput["failure"]): Problem {
  const internal = problem("platform.internal", `a step of the workflow failed: ${failure?.Error ?? "unknown"}`, {
    hint: "the log of the workflow steps has the details",
  });
  try {
    const cause: unknown = JSON.parse(failure?.Cause ?? "");
    const text = (cause as { errorMessage?: unknown }).errorMessage;
    return problemSchema.parse(JSON.parse(typeof text === "string" ? text : ""));
  } catch {
    return internal;
  }
}
