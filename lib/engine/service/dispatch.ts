import type * as z from "zod";
import { refuseUnknownFramework } from "../../config/framework-choice.ts";
import { refuseCredentials } from "../../config/policy.ts";
import { type Route, route } from "../../config/routing.ts";
import { own } from "../../contract/configuration.ts";
import { InvalidInputError } from "../../contract/errors.ts";
import { defined, isObject } from "../../contract/json.ts";
import { isOrchestration } from "../../contract/kinds.ts";
import { orchestrationInputs, type Specification } from "../../contract/orchestration/specification.ts";
import type { Json } from "../../contract/task.ts";
import { dispatchTask } from "../../contract/tools/dispatch-task.ts";
import type { TaskHandle } from "../../contract/tools/task-handle.ts";
import { agentInputSchema, commandInputSchema } from "../../contract/worker.ts";
import { dispatch } from "../dispatch.ts";
import { orchestrate } from "../orchestration/orchestrate.ts";
import type { Ports } from "../ports.ts";
import { answerWanted } from "./answer-wanted.ts";
import { issuesIn, parse, underListedNames, withoutNulls } from "./arguments.ts";

const inputSchemas: Record<string, z.ZodObject> = {
  "agent.run": agentInputSchema,
  "command.run": commandInputSchema,
  ...orchestrationInputs,
};

type Call = z.output<typeof dispatchTask.input>;

/** Dispatches a task with everything said explicitly. Throws as `dispatch` of the engine does. */
export async function dispatchExplicitly(ports: Ports, owner: string, given: Json): Promise<TaskHandle> {
  const call = readCall(given);
  const { idempotency_key, ...rest } = call;
  // Values of the environment may be secret: they are no part of the stored input, and are forgotten at the start.
  const { env, ...job } = call.input;
  const jobTimeout = call.input.timeoutSeconds;
  const chosen = route(ports.configuration(), ports.backends, {
    provider: call.provider,
    accountProfile: call.account_profile,
    capability: call.capability,
    backend: call.backend,
    taskType: call.task_type,
    mode: call.target.mode,
    protocol: call.target.protocol,
    details: call.target.details,
    framework: typeof call.input.framework === "string" ? call.input.framework : undefined,
    metadata: call.metadata,
    timeoutSeconds: call.timeout_seconds,
    jobTimeoutSeconds: typeof jobTimeout === "number" ? jobTimeout : undefined,
  });
  if (isOrchestration(chosen.taskType)) return dispatchOrchestration(ports, owner, call, chosen);
  if (chosen.taskType === "agent.run") refuseUnknownFramework(ports.backends, chosen);
  return dispatch(
    ports,
    owner,
    {
      route: chosen,
      input: defined({ timeoutSeconds: call.timeout_seconds, framework: chosen.framework, ...job }),
      // As checked by the schema of `command.run`
      env: env as Record<string, string> | undefined,
      answer: answerWanted(call, chosen.taskType),
      envField: "input.env",
      call: { tool: "dispatch_task", ...rest },
    },
    { idempotencyKey: idempotency_key },
  );
}

/** As `dispatchExplicitly`, for a task that is made of others. */
function dispatchOrchestration(ports: Ports, owner: string, call: Call, chosen: Route): Promise<TaskHandle> {
  const { idempotency_key, input, timeout_seconds: timeoutSeconds, ...rest } = call;
  const specification = { type: chosen.taskType, ...input } as Specification;
  const asked = { tool: "dispatch_task", input, timeoutSeconds, ...rest };
  const answer = answerWanted(call, chosen.taskType);
  const plan = { route: chosen, input, answer, envField: "input.env", call: asked } as const;
  return orchestrate(ports, owner, specification, { ...plan, timeoutSeconds }, { idempotencyKey: idempotency_key });
}

/** Throws InvalidInputError with the issues of the call and those of the job's input, together. */
function readCall(given: Json): Call {
  const fields = underListedNames(dispatchTask, given);
  refuseCredentials(fields);
  const schema = own(inputSchemas, String(fields.task_type));
  const job = schema && isObject(fields.input) ? withoutNulls(schema, fields.input) : undefined;
  const call = job ? { ...fields, input: job } : fields;
  const issues = [...issuesIn(dispatchTask.input, call), ...(schema && job ? issuesIn(schema, job, "input") : [])];
  if (issues.length > 0) throw new InvalidInputError(issues);
  return parse(dispatchTask.input, call);
}
