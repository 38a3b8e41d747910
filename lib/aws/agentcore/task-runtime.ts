import { RefusedError } from "../../domain/errors.ts";
import type { Task } from "../../domain/task.ts";
import { isOfOneTask, neededDetail, type RuntimeRef, runtimeOf } from "./place.ts";

/** The runtime that a task in mode `session` names. Throws RefusedError `task.target_incomplete` or `policy.denied`. */
export function namedRuntime(task: Task): RuntimeRef {
  const arn = neededDetail(task, "runtimeArn");
  const runtime = runtimeOf(task);
  if (!runtime)
    throw new RefusedError("task.target_incomplete", `${arn} is not the ARN of an AgentCore runtime`, {
      hint: "it looks like arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/my_runtime-AbCdEf1234",
    });
  if (isOfOneTask(runtime))
    throw new RefusedError("policy.denied", "this runtime was made for one task, which alone may use it", {
      hint: "name another runtime, or dispatch in mode runtime",
    });
  return runtime;
}

/** The runtime of a task that has been provisioned. Throws RefusedError `worker.start_failed`. */
export function madeRuntime(task: Task): RuntimeRef {
  const runtime = runtimeOf(task);
  if (runtime) return runtime;
  throw new RefusedError("worker.start_failed", "the task has no runtime", { hint: "dispatch the task again" });
}
