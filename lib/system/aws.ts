import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openArtifacts } from "../artifacts/s3/artifacts.ts";
import { lambdaConcurrency } from "../aws/lambda-concurrency.ts";
import { agentCoreBackend } from "../backends/agentcore/backend.ts";
import { cloudDefaults } from "../backends/agentcore/cloud-defaults.ts";
import { deployedAgentCore } from "../backends/agentcore/description.ts";
import { allowedPatterns, usedNames } from "../config/allow-list.ts";
import { withBuiltIn } from "../config/built-in.ts";
import { parseConfiguration } from "../config/parse-configuration.ts";
import { waitingBound } from "../contract/cloud.ts";
import { environmentVariables, neededVariable } from "../contract/execution-environment.ts";
import type { Logger } from "../contract/logger.ts";
import type { Observer } from "../contract/observation/observer.ts";
import { observedStore } from "../engine/observation/observed-store.ts";
import type { Pace, Ports } from "../engine/ports.ts";
import type { Caller } from "../engine/tree/within.ts";
import { openTaskStore } from "../store/dynamodb/task-store.ts";
import { stepFunctionsWorkflow } from "../workflow/step-functions.ts";
import { type Asking, callerOf, reachingFor } from "./aws/task-door.ts";

/** The stack puts it beside the code of each function. */
const CONFIGURATION_FILE = "configuration.json";
/** A function lives 15 minutes: one of them is for what comes before and after a call. */
const HOLD_SECONDS = 840;
/** The function of Watch has 115 s; an execution's history has room for a visit a minute. */
export const cloudPace: Pace = { visitSeconds: 100, maxPauseSeconds: 60 };

/** A function of the endpoint has two minutes, and what waits keeps one from everybody else. */
const LONGEST_WAIT_SECONDS = 45;

type Options = {
  /** Where the function's code is. */
  folder: string;
  log: Logger;
  observe: Observer;
  /** Default: the environment of this process. */
  env?: Readonly<Record<string, string | undefined>>;
};

/**
 * All ports on AWS, as a function's environment says where they are. Nothing is contacted, and no SDK loaded, before it is
 * needed. Throws an Error that names a setting that is missing, or InvalidInputError for the configuration.
 */
export function openPorts({ folder, log, observe, env = process.env }: Options): Ports {
  const { AWS_REGION: region } = env;
  const sharedRuntimeArn = neededVariable(env, environmentVariables.sharedRuntime);
  const written: unknown = JSON.parse(readFileSync(join(folder, CONFIGURATION_FILE), "utf8"));
  const workerImageUri = neededVariable(env, environmentVariables.workerImage);
  const workerRoleArn = neededVariable(env, environmentVariables.workerRole);
  const builtIn = cloudDefaults({ workerImageUri, workerRoleArn, sharedRuntimeArn });
  const configuration = parseConfiguration(withBuiltIn(builtIn, written), [deployedAgentCore], folder);
  const {
    retentionDays,
    cloud: { concurrency },
  } = configuration;
  const now = Date.now;
  const backend = agentCoreBackend({
    region,
    ownRuntimeArn: sharedRuntimeArn,
    ownRoleArn: workerRoleArn,
    reachesSystem: true,
    ownImageUri: workerImageUri,
    configuration: () => configuration,
    log,
    now,
    holdSeconds: HOLD_SECONDS,
    runtimePrefix: neededVariable(env, environmentVariables.runtimePrefix),
  });
  const endpoint = env[environmentVariables.agentEndpoint];
  const tableName = neededVariable(env, environmentVariables.table);
  const store = openTaskStore({ tableName, region, retentionDays, log, estimate: (task) => backend.estimate?.(task) });
  const ofAccount = lambdaConcurrency({ region }, now);
  return {
    store: observedStore(store, observe, now),
    waiting: store.waitingPlaces(async () =>
      waitingBound(concurrency, concurrency.waiting === undefined ? await ofAccount() : 0),
    ),
    artifacts: openArtifacts({ bucket: neededVariable(env, environmentVariables.bucket), region }),
    workflow: stepFunctionsWorkflow({
      stateMachineArn: neededVariable(env, environmentVariables.stateMachine),
      region,
    }),
    backends: { [backend.name]: backend },
    configuration: () => configuration,
    now,
    steady: () => Math.floor(performance.now()),
    pace: cloudPace,
    longestWaitSeconds: LONGEST_WAIT_SECONDS,
    ...(endpoint && { dispatching: (task) => reachingFor(endpoint, task) }),
    // A function is never told that it is about to end.
    closing: new AbortController().signal,
    log,
    observe,
  };
}

/**
 * Whom the endpoint answers, by who signed a request and the token of a task that it shows. Throws RefusedError, and what the
 * store does.
 */
export function openDoor(ports: Ports, env = process.env): (request: Asking) => Promise<Caller> {
  const configuration = ports.configuration();
  const known = [
    neededVariable(env, environmentVariables.workerRole),
    ...usedNames(configuration, deployedAgentCore, "roles"),
    ...allowedPatterns(configuration, deployedAgentCore, "roles"),
  ];
  // Whom a pattern stands for is not known; some are for every role of the account.
  const workers = [...new Set(known.filter((role) => !role.includes("*")))];
  return (request) => callerOf(ports, workers, request);
}
