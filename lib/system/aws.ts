import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openArtifacts } from "../artifacts/s3/artifacts.ts";
import { agentCoreBackend } from "../backends/agentcore/backend.ts";
import { cloudDefaults } from "../backends/agentcore/cloud-defaults.ts";
import { agentCore } from "../backends/agentcore/description.ts";
import { withBuiltIn } from "../config/built-in.ts";
import { parseConfiguration } from "../config/parse-configuration.ts";
import { environmentVariables, neededVariable } from "../contract/execution-environment.ts";
import type { Logger } from "../contract/logger.ts";
import type { Ports } from "../engine/ports.ts";
import { openTaskStore } from "../store/dynamodb/task-store.ts";
import { stepFunctionsWorkflow } from "../workflow/step-functions.ts";

/** The stack puts it beside the code of each function. */
const CONFIGURATION_FILE = "configuration.json";
/** A function lives 15 minutes: one of them is for what comes before and after a call. */
const HOLD_SECONDS = 840;

type Options = {
  /** Where the function's code is. */
  folder: string;
  log: Logger;
  /** Default: the environment of this process. */
  env?: Readonly<Record<string, string | undefined>>;
};

/**
 * All ports on AWS, as a function's environment says where they are. Nothing is contacted, and no SDK loaded, before it is
 * needed. Throws an Error that names a setting that is missing, or InvalidInputError for the configuration.
 */
export function openPorts({ folder, log, env = process.env }: Options): Ports {
  const { AWS_REGION: region } = env;
  const sharedRuntimeArn = neededVariable(env, environmentVariables.sharedRuntime);
  const written: unknown = JSON.parse(readFileSync(join(folder, CONFIGURATION_FILE), "utf8"));
  const builtIn = cloudDefaults({
    workerImageUri: neededVariable(env, environmentVariables.workerImage),
    workerRoleArn: neededVariable(env, environmentVariables.workerRole),
    sharedRuntimeArn,
  });
  const configuration = parseConfiguration(withBuiltIn(builtIn, written), [agentCore], folder);
  const { retentionDays } = configuration;
  const now = Date.now;
  const backend = agentCoreBackend({
    region,
    ownRuntimeArn: sharedRuntimeArn,
    configuration: () => configuration,
    log,
    now,
    holdSeconds: HOLD_SECONDS,
    runtimePrefix: neededVariable(env, environmentVariables.runtimePrefix),
  });
  return {
    store: openTaskStore({ tableName: neededVariable(env, environmentVariables.table), region, retentionDays, log }),
    artifacts: openArtifacts({ bucket: neededVariable(env, environmentVariables.bucket), region }),
    workflow: stepFunctionsWorkflow({
      stateMachineArn: neededVariable(env, environmentVariables.stateMachine),
      region,
    }),
    backends: { [backend.name]: backend },
    configuration: () => configuration,
    now,
    steady: () => Math.floor(performance.now()),
    // The function of Watch has 115 s; an execution's history has room for a visit a minute.
    pace: { visitSeconds: 90, maxPauseSeconds: 60 },
    // A function is never told that it is about to end.
    closing: new AbortController().signal,
    log,
  };
}
