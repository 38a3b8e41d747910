import * as z from "zod";
import { dispatch } from "../../../lib/domain/dispatch.ts";
import { InvalidInputError, type Mistake } from "../../../lib/domain/errors.ts";
import { refuseCredentials } from "../../../lib/domain/policy.ts";
import { route } from "../../../lib/domain/routing.ts";
import type { Json } from "../../../lib/domain/task.ts";
import { agentInputSchema, commandInputSchema } from "../../../lib/domain/worker-contract.ts";
import * as field from "./fields.ts";
import { mistakesOf, shape, tool } from "./tool.ts";

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
  metadata: field.metadata.optional(),
  timeout_seconds: field.timeoutSeconds.optional(),
  idempotency_key: field.idempotencyKey.optional(),
});

const inputSchemas = { "agent.run": agentInputSchema, "command.run": commandInputSchema } as const;

/** Dispatches a task with everything said explicitly. */
/** As checked by the schema of `command.run`. */
type Environment = Record<string, string> | undefined;

export const dispatchTask = tool({
  name: "dispatch_task",
  title: "Dispatch a task",
  description:
    "Starts a program (command.run) or an agent (agent.run) on an explicit account and target, and returns its handle at " +
    "once (taskId). list_account_profiles and list_capabilities show what to name. For agents with a runtime profile, " +
    "spawn_cloud_agent is simpler. Then wait_for_task, get_task_logs, get_task_result.",
  input,
  output: shape({
    taskId: "string",
    status: "string",
    provider: "string",
    accountProfile: "string",
    capability: "string",
    backend: "string",
    poll: "object",
    "cloudAgent?": "object",
  }),
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: true, openWorldHint: true },
  prepare: (raw) => {
    refuseCredentials(raw);
    refuseMistakes(raw);
    return raw;
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
function refuseMistakes(raw: Json): void {
  const outer = input.safeParse(raw);
  const mistakes: Mistake[] = outer.success ? [] : mistakesOf(outer.error);
  const type = raw.task_type;
  if ((type === "agent.run" || type === "command.run") && typeof raw.input === "object" && raw.input !== null) {
    const inner = inputSchemas[type].safeParse(raw.input);
    if (!inner.success) mistakes.push(...mistakesOf(inner.error, "input"));
  }
  if (mistakes.length > 0) throw new InvalidInputError(mistakes);
}
