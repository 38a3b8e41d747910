import * as z from "zod";
import { clarify, requiredNames } from "../../config/clarification.ts";
import { refuseCredentials } from "../../config/policy.ts";
import { chooseProfile, type RouteRequest, route } from "../../config/routing.ts";
import { InvalidInputError } from "../../contract/errors.ts";
import type { Json } from "../../contract/task.ts";
import { dispatch } from "../../engine/dispatch.ts";
import * as field from "./fields.ts";
import { shape, tool } from "./tool.ts";

const input = z.strictObject({
  instruction: field.text(field.MAX_INSTRUCTION).optional().describe("What the agent should do, complete in itself"),
  goal: field.text(20_000).optional().describe("The larger purpose, shown to the agent"),
  context: field.json(field.MAX_OBJECT).optional().describe("Facts the agent needs, by name"),
  runtime: field.name.optional().describe("Runtime profile; left out, the default one"),
  framework: field.name.optional(),
  model: z
    .union([field.line(500), field.json(16_000)], "must be a text of at most 500 characters or an object")
    .optional(),
  protocol: field.protocol.optional(),
  runtime_tools: field.json(64_000).optional(),
  environment_variables: z.record(z.string(), z.string()).optional().describe("Set for the job; never credentials"),
  timeout_seconds: field.timeoutSeconds.optional(),
  idempotency_key: field.idempotencyKey
    .optional()
    .describe("Send again with the same key after a lost answer: runs once"),
  provider: field.name.optional(),
  account_profile: field.name.optional(),
  target: field.target.optional(),
  runtime_arn: field.line(2048).optional(),
  ecr_image_uri: field.line(2048).optional(),
  execution_role_arn: field.line(2048).optional(),
  caller: z
    .union([field.text(2_000), field.json(16_000)], "must be a text of at most 2000 characters or an object")
    .optional()
    .describe("Who asks, shown to the agent"),
  metadata: field.metadata.optional().describe("Kept with the task; parentTaskId names the task that dispatched it"),
});
type Call = z.output<typeof input>;

const twins: Readonly<Record<string, keyof Call>> = {
  runtimeArn: "runtime_arn",
  ecrImageUri: "ecr_image_uri",
  executionRoleArn: "execution_role_arn",
  environmentVariables: "environment_variables",
};

/** Hands an instruction to an agent, or asks for what is missing. */
export const spawnCloudAgent = tool({
  name: "spawn_cloud_agent",
  title: "Run an agent task",
  description:
    "Hands a long-running task to an agent, as a background job on another machine (cloud or local), and returns its " +
    "handle at once (taskId). It goes on whatever happens to this conversation. Then wait_for_task, get_task_logs, " +
    "get_task_result. If the answer has status needs_clarification, call again with the same fields and the answers added " +
    "as fields named by each question's id.",
  input,
  open: true,
  output: shape({
    status: "string",
    taskId: "string",
    ...field.handle,
    retry_tool: "string",
    questions: "array",
    available_runtimes: "array",
  }),
  annotations: { readOnlyHint: false, idempotentHint: false, destructiveHint: false, openWorldHint: true },
  prepare: (raw, { ports }) => {
    refuseCredentials(raw);
    const renamed = snakeCase(raw);
    return pick(renamed, (key) => !answerNames(renamed, ports.configuration()).includes(key));
  },
  run: async ({ ports, owner }, call, raw) => {
    const configuration = ports.configuration();
    const fields = { ...raw, ...snakeCase(raw) };
    const answers = pick(snakeCase(raw), (key) => answerNames(snakeCase(raw), configuration).includes(key));
    const context = { ...call.context, ...answers };
    const request = requestOf(call);
    const questions = clarify(configuration, ports.backends, { ...call, context, request, fields });
    if (questions) return { structured: questions };

    const chosen = route(configuration, ports.backends, request, chooseProfile(configuration, call.runtime));
    const { idempotency_key, ...rest } = call;
    const handle = await dispatch(
      ports,
      owner,
      {
        route: chosen,
        input: defined({
          instruction: call.instruction,
          context: Object.keys(context).length > 0 ? context : undefined,
          framework: chosen.framework,
          model: chosen.model,
          runtime_tools: chosen.runtimeTools,
          protocol: chosen.target.protocol,
          timeoutSeconds: call.timeout_seconds,
        }),
        goal: call.goal,
        caller: call.caller,
        env: call.environment_variables,
        envField: "environment_variables",
        call: { tool: "spawn_cloud_agent", ...rest, context },
      },
      { idempotencyKey: idempotency_key },
    );
    return { structured: handle };
  },
});

function requestOf(call: Call): RouteRequest {
  const arns = {
    runtimeArn: call.runtime_arn,
    ecrImageUri: call.ecr_image_uri,
    executionRoleArn: call.execution_role_arn,
  };
  return {
    provider: call.provider,
    accountProfile: call.account_profile,
    taskType: "agent.run",
    mode: call.target?.mode,
    protocol: call.protocol ?? call.target?.protocol,
    details: { ...call.target?.details, ...defined(arns) },
    framework: call.framework,
    model: call.model,
    runtimeTools: call.runtime_tools,
    metadata: call.metadata,
    timeoutSeconds: call.timeout_seconds,
  };
}

/** The fields of a call under the names that are listed. Both twins at once are refused: which one holds is unclear. */
function snakeCase(raw: Json): Json {
  const both = Object.keys(twins).filter((key) => Object.hasOwn(raw, key) && Object.hasOwn(raw, twins[key] ?? key));
  if (both.length > 0) {
    throw new InvalidInputError(both.map((path) => ({ path, message: `is given as ${twins[path]} too` })));
  }
  return Object.fromEntries(
    Object.entries(raw).map(([key, value]) => [(Object.hasOwn(twins, key) && twins[key]) || key, value]),
  );
}

/** Fields of a call that answer what its profile requires, and that no tool field is named after. */
function answerNames(raw: Json, configuration: Parameters<typeof requiredNames>[0]): string[] {
  const runtime = typeof raw.runtime === "string" ? raw.runtime : undefined;
  return requiredNames(configuration, runtime).filter((key) => !Object.hasOwn(input.shape, key));
}

const pick = (fields: Json, keep: (key: string) => boolean): Json =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => keep(key)));

const defined = (fields: Json): Json =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
