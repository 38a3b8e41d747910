import { RefusedError } from "../../contract/errors.ts";
import type { Task } from "../../contract/task.ts";
import type { Placement } from "../adapter.ts";
import { ofAnotherTask } from "./contract.ts";
import { neededDetail, runtimeOf } from "./place.ts";
import { isOfTasks, parseRuntimeArn, type RuntimeRef, runtimeIssue } from "./resources.ts";

/** The runtime that a target in mode `session` names. Throws RefusedError `task.target_incomplete` or `policy.denied`. */
export function namedRuntime(placed: Pick<Placement, "target">): RuntimeRef {
  const arn = neededDetail(placed, "runtimeArn");
  const runtime = parseRuntimeArn(arn);
  if (!runtime)
    throw new RefusedError("task.target_incomplete", `target.details.runtimeArn: ${runtimeIssue(arn)}`, {
      hint: "it looks like arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/my_runtime-AbCdEf1234",
    });
  if (isOfTasks(runtime)) throw ofAnotherTask();
  return runtime;
}

/** The runtime of a task that has been provisioned. Throws RefusedError `worker.start_failed`. */
export function madeRuntime(task: Task): RuntimeRef {
  const runtime = runtimeOf(task);
  if (runtime) return runtime;
  throw new RefusedError("worker.start_failed", "the task has no runtime", { hint: "dispatch the task again" });
}
