import { randomUUID } from "node:crypto";
import { environmentVariables } from "../../../contract/execution-environment.ts";
import type { JsonObject } from "../../../contract/json.ts";
import { CAPABILITY, type OrchestrationType } from "../../../contract/kinds.ts";
import type { Io } from "../io.ts";
import { type Call, COMMAND_ACCOUNT } from "../run-call.ts";
import type { Place } from "../systems/place.ts";

/** What every command may be given that dispatches what is made of other tasks. */
export type WholeOptions = Place & {
  timeout?: number;
  idempotencyKey?: string;
  json?: boolean;
  quiet?: boolean;
  detach?: boolean;
};

/** The call that makes such a task, kept where `agent` works, the first of those that begin. */
export function orchestrationCall(
  task_type: OrchestrationType,
  { input, agent }: { input: JsonObject; agent?: string | undefined },
  { timeout, idempotencyKey }: WholeOptions,
  env: Io["env"],
): Call {
  const parent = env[environmentVariables.taskId];
  return {
    tool: "dispatch_task",
    agent,
    args: {
      provider: "local",
      account_profile: COMMAND_ACCOUNT,
      capability: CAPABILITY,
      task_type,
      target: { mode: "session" },
      input,
      ...(timeout !== undefined && { timeout_seconds: timeout }),
      ...(parent && { metadata: { parentTaskId: parent } }),
      idempotency_key: idempotencyKey ?? randomUUID(),
    },
  };
}
