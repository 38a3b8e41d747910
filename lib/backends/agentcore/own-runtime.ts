import { environmentVariables as variables } from "../../contract/execution-environment.ts";
import { MAX_LIFETIME_SECONDS } from "../../contract/limits.ts";
import { contractTag, TASK_TAG } from "../../contract/runtimes.ts";
import type { Task } from "../../contract/task.ts";
import { givenNames } from "../worker-environment.ts";
import { isContractLess, neededDetail, type Placed, protocolOf, roleOf, serverProtocolOf } from "./place.ts";
import type { RuntimeSpec } from "./runtime.ts";
import { sha256 } from "./sha256.ts";

/** What a machine lives longer than its job may last: to start, to end in peace, and to hand over its files. */
const SPARE_SECONDS = 1800;

/** Fits `[a-zA-Z][a-zA-Z0-9_]{0,47}` with a prefix of up to 16 of these, and is used for no other task. */
export const runtimeNameOf = ({ id }: Task, prefix: string): string => id.replace(/^task_/, prefix);

type Given = { name: string; environment: Readonly<Record<string, string>> | undefined };

/** What the runtime is made of that one task has to itself. Throws RefusedError `task.target_incomplete`. */
export function ownSpec(task: Task, { name, environment }: Given): RuntimeSpec {
  return {
    name,
    token: sha256(task.id),
    roleArn: roleOf(task) ?? neededDetail(task, "executionRoleArn"),
    image: neededDetail(task, "ecrImageUri"),
    serverProtocol: serverProtocolOf(task),
    environment: { ...environment, ...givenNames(environment), ...spokenBy(task) },
    maxLifetimeSeconds: Math.min(MAX_LIFETIME_SECONDS, Math.ceil(task.limits.timeoutSeconds) + SPARE_SECONDS),
    tags: {
      [TASK_TAG]: task.id,
      "agentdispatch:owner": sha256(task.owner).slice(0, 32),
      ...(!isContractLess(task) && contractTag),
    },
  };
}

/** What our worker is told to speak, where it is not what it speaks by itself. */
export function spokenBy(placed: Placed): Record<string, string> {
  const protocol = protocolOf(placed);
  return protocol === "http" || isContractLess(placed) ? {} : { [variables.workerProtocol]: protocol };
}
