import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { InvalidInputError, type Issue } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import { isObject, type JsonObject } from "../../contract/json.ts";
import { CAPABILITY, type Protocol, type TargetMode } from "../../contract/kinds.ts";
import type { ToolArguments, ToolName } from "../../contract/tools/index.ts";
import type { Io } from "./io.ts";
import type { Place } from "./systems/place.ts";

/** The account that programs run at, where the system has one of that name. */
export const COMMAND_ACCOUNT = "local";

/** What may be written behind `agent-dispatch run`. */
export type RunOptions = Place & {
  command?: string;
  cwd?: string;
  env?: Record<string, string>;
  stdin?: string;
  shell?: boolean;
  runtime?: string;
  group?: string;
  /** Whether the answer to the same request is good enough; as the configuration says without it. */
  cache?: boolean;
  framework?: string;
  model?: string;
  protocol?: Protocol;
  goal?: string;
  caller?: string;
  metadata?: Record<string, string>;
  targetMode?: TargetMode;
  runtimeArn?: string;
  ecrImageUri?: string;
  executionRoleArn?: string;
  context?: Record<string, string>;
  responseFormat?: "json";
  /** The file of a JSON Schema. */
  schema?: string;
  timeout?: number;
  /** The task whose conversation it goes on with; true for the last one. */
  continue?: string | true;
  conversation?: string;
  idempotencyKey?: string;
  json?: boolean;
  detach?: boolean;
  /** Nothing is said of the task besides what it writes and answers. */
  quiet?: boolean;
  /** Nothing is shown of what the job does, only its end. */
  onlyEnd?: boolean;
};

type CallOf<Name extends ToolName> = { tool: Name; args: ToolArguments<Name> };
/** `agent` is the one at whose account it is kept, of those that it is made of. */
export type Call = CallOf<"spawn_cloud_agent"> | (CallOf<"dispatch_task"> & { agent?: string | undefined });

/** The tool call that a run comes down to. `stdin` is the text for the command's standard input. */
export function toCall(instruction: string | undefined, options: RunOptions, env: Io["env"], stdin?: string): Call {
  const issues = findIssues(instruction, options);
  if (issues.length > 0) throw new InvalidInputError(issues, { hint: "--help shows examples" });
  const parent = env[environmentVariables.taskId];
  const common = {
    ...(options.timeout !== undefined && { timeout_seconds: options.timeout }),
    ...((parent || options.metadata) && {
      metadata: { ...options.metadata, ...(parent && { parentTaskId: parent }) },
    }),
    // With a key, a dispatch whose answer was lost on the way can be sent again and still runs once.
    idempotency_key: options.idempotencyKey ?? randomUUID(),
  };
  return options.command === undefined
    ? { tool: "spawn_cloud_agent", args: { ...agentCall(instruction, options), ...common } }
    : { tool: "dispatch_task", args: { ...commandCall(options.command, options, stdin), ...common } };
}

function agentCall(instruction: string | undefined, options: RunOptions): ToolArguments<"spawn_cloud_agent"> {
  return {
    ...(instruction !== undefined && { instruction }),
    ...(options.runtime !== undefined && { runtime: options.runtime }),
    ...(options.cache !== undefined && { cache: options.cache }),
    ...(options.group !== undefined && { group: options.group }),
    ...(options.framework !== undefined && { framework: options.framework }),
    ...(options.model !== undefined && { model: options.model }),
    ...(options.protocol !== undefined && { protocol: options.protocol }),
    ...(options.goal !== undefined && { goal: options.goal }),
    ...(options.caller !== undefined && { caller: options.caller }),
    ...(options.runtimeArn !== undefined && { runtime_arn: options.runtimeArn }),
    ...(options.ecrImageUri !== undefined && { ecr_image_uri: options.ecrImageUri }),
    ...(options.executionRoleArn !== undefined && { execution_role_arn: options.executionRoleArn }),
    ...(options.conversation !== undefined && { conversation: options.conversation }),
    ...(options.context && { context: options.context }),
    ...(options.responseFormat && { response_format: responseFormat(options.schema) }),
    ...(options.env && { environment_variables: options.env }),
    ...((options.cwd !== undefined || options.targetMode) && {
      target: {
        ...(options.targetMode && { mode: options.targetMode }),
        ...(options.cwd !== undefined && { details: { workspace: resolve(options.cwd) } }),
      },
    }),
  };
}

/** Throws InvalidInputError for a file that holds no JSON Schema. */
function responseFormat(file: string | undefined): "json" | { type: "json"; schema: JsonObject } {
  if (file === undefined) return "json";
  try {
    const schema: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (isObject(schema)) return { type: "json", schema };
  } catch (cause) {
    throw new InvalidInputError([{ path: "--schema", message: `${file} cannot be read as JSON` }], { cause });
  }
  throw new InvalidInputError([{ path: "--schema", message: `${file} is no JSON Schema: it holds no object` }]);
}

function commandCall(command: string, options: RunOptions, stdin: string | undefined): ToolArguments<"dispatch_task"> {
  return {
    provider: "local",
    account_profile: COMMAND_ACCOUNT,
    capability: CAPABILITY,
    task_type: "command.run",
    // A person means the folder they are in; without a workspace it would be an empty one.
    target: { mode: options.targetMode ?? "session", details: { workspace: resolve(options.cwd ?? ".") } },
    input: {
      command,
      ...(options.env && { env: options.env }),
      ...(stdin !== undefined && { stdin }),
      ...(options.shell && { shell: true }),
      // A command has a limit of its own, shorter than the task's.
      ...(options.timeout !== undefined && { timeoutSeconds: options.timeout }),
    },
  };
}

function findIssues(instruction: string | undefined, options: RunOptions): Issue[] {
  if (options.command === undefined) {
    const only = given({ "--stdin": options.stdin, "--shell": options.shell });
    const missing = { path: "instruction", message: "say what an agent is to do, or name a program with --command" };
    const alone = { path: "--schema", message: "goes with --response-format json" };
    const both = { path: "--conversation", message: "give it or --continue, not both" };
    return [
      ...(instruction === undefined ? [missing] : []),
      ...(options.schema !== undefined && options.responseFormat === undefined ? [alone] : []),
      ...(options.conversation !== undefined && options.continue !== undefined ? [both] : []),
      ...only.map((name) => ({ path: name, message: "goes with --command" })),
    ];
  }
  const only = given({
    "--runtime": options.runtime,
    "--group": options.group,
    "--cache": options.cache || undefined,
    "--no-cache": options.cache === false || undefined,
    "--framework": options.framework,
    "--model": options.model,
    "--protocol": options.protocol,
    "--goal": options.goal,
    "--caller": options.caller,
    "--runtime-arn": options.runtimeArn,
    "--ecr-image-uri": options.ecrImageUri,
    "--execution-role-arn": options.executionRoleArn,
    "--context": options.context,
    "--response-format": options.responseFormat,
    "--schema": options.schema,
    "--continue": options.continue,
    "--conversation": options.conversation,
  });
  return [
    ...(instruction === undefined
      ? []
      : [{ path: "instruction", message: "give an instruction or --command, not both" }]),
    ...only.map((name) => ({ path: name, message: "goes with an instruction, not with --command" })),
  ];
}

const given = (values: Record<string, unknown>): string[] =>
  Object.keys(values).filter((name) => values[name] !== undefined);
