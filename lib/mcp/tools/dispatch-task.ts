import * as z from "zod";
import { refuseUnknownFramework } from "../../config/framework-choice.ts";
import { refuseCredentials } from "../../config/policy.ts";
import { route } from "../../config/routing.ts";
import { own } from "../../contract/configuration.ts";
import { InvalidInputError } from "../../contract/errors.ts";
import type { Json } from "../../contract/task.ts";
import { agentInputSchema, commandInputSchema } from "../../contract/worker.ts";
import { dispatch } from "../../engine/dispatch.ts";
import * as field from "./fields.ts";
import { isJson, issuesIn, shape, tool, withoutNulls } from "./tool.ts";

const input = z.strictObject({
  provider: field.name,
  account_profile: field.name,
  capability: field.name.describe("agent-runtime"),
  backend: field.name.optional(),
  task_type: field.taskType,
  target: field.targetWithMode,
  input: field
    .json(field.MAX_OBJECT)
    .describe(
      "command.run: command, args?, cwd?, env?, stdin?, shell?, timeoutSeconds?; " +
        "agent.run: instruction, context?, framework?, model?, runtime_tools?, timeoutSeconds?",
    ),
  metadata: field.metadata.optional().describe("parentTaskId names the task that dispatched it"),
  timeout_seconds: field.timeoutSeconds.optional(),
  idempotency_key: field.idempotencyKey.optional(),
});

const inputSchemas: Record<string, z.ZodObject> = { "agent.run": agentInputSchema, "command.run": commandInputSchema };

/** As checked by the schema of `command.run`. */
type Environment = Record<string, string> | undefined;

/** Dispatches a task with everything said explicitly. */
export const dispatchTask = tool({
  name: "dispatch_task",
  title: "Dispatch a task",
  description:
    "Starts a long-running task, a program (command.run) or an agent (agent.run), as a background job on another machine " +
    "(cloud or local) that you name, and returns its handle at once (taskId). list_account_profiles and list_capabilities " +
    "show what to name. For agents with a runtime profile, spawn_cloud_agent is simpler. Then wait_for_task, " +
    "get_task_logs, get_task_result.",
  input,
  output: shape({
    taskId: "string",
    status: "string",
    ...field.handle,
  }),
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: true, openWorldHint: true },
  prepare: (raw) => {
    refuseCredentials(raw);
    const schema = own(inputSchemas, String(raw.task_type));
    const said = schema && isJson(raw.input) ? { ...raw, input: withoutNulls(schema, raw.input) } : raw;
    refuseMistakes(said, schema);
    return said;
  },
  run: async ({ ports, owner }, call) => {
    const { idempotency_key, ...rest } = call;
    // Values of the environment may be secret: they are no part of the stored input, and are forgotten at the start.
    const { env, ...given } = call.input;
    const jobInput = call.timeout_seconds === undefined ? given : { timeoutSeconds: call.timeout_seconds, ...given };
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
      metadata: call.metadata,
      timeoutSeconds: call.timeout_seconds,
      jobTimeoutSeconds: typeof jobTimeout === "number" ? jobTimeout : undefined,
    });
    if (chosen.taskType === "agent.run") refuseUnknownFramework(ports.backends, chosen, call.input.framework);
    const handle = await dispatch(
      ports,
      owner,
      {
        route: chosen,
        input: jobInput,
        env: env as Environment,
        envField: "input.env",
        call: { tool: "dispatch_task", ...rest },
      },
      { idempotencyKey: idempotency_key },
    );
    return { structured: handle };
  },
});

/** The mistakes of the call and those of its `input`, together. */
function refuseMistakes(call: Json, schema: z.ZodObject | undefined): void {
  const inner = schema && isJson(call.input) ? issuesIn(schema, call.input, "input") : [];
  const issues = [...issuesIn(input, call), ...inner];
  if (issues.length > 0) throw new InvalidInputError(issues);
}
