import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Deployed } from "../../lib/backends/agentcore/cloud-defaults.ts";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { isSettled, type Task } from "../../lib/contract/task.ts";
import { ownerOf } from "../../lib/engine/owner.ts";
import { openTaskStore } from "../../lib/store/dynamodb/task-store.ts";
import definition from "../../lib/workflow/dispatch.asl.json" with { type: "json" };
import type { Caller } from "../aws/callers.ts";
import { credentials, Emulator, IMAGE, REGION, ROLE } from "./agentcore/emulator.ts";
import { startCloudWatchLogs } from "./cloudwatch-logs.ts";
import { startDynalite } from "./dynalite.ts";
import { statesOf } from "./executions.ts";
import { buildFunction, type DeployedFunction, deployFunction } from "./lambda-runner.ts";
import { openRestApi } from "./rest-api.ts";
import { startS3 } from "./s3.ts";
import { startStepFunctions } from "./step-functions.ts";

/** What every Wait state takes: visits follow each other at this pace, whatever the steps ask for. */
const PAUSE_MS = 250;
const RETRY_SCALE = 0.1;
const BUCKET = "artifacts";
/** As `test/infra/synthesis.ts` resolves it. */
const RUNTIME_PREFIX = "ad_0a1b2c3d_";
/** Of one function: more would only have to share the processor. */
const MOST_ENVIRONMENTS = 10;

/** Something that happens, once, to the next event of that owner's tasks at a state. */
type Incident = {
  state: string;
  owner: string;
  met: () => void;
  /** The step runs only when this has resolved. */
  release?: Promise<void>;
  /** The environment is killed after the step's effect and before its answer. */
  dies?: boolean;
};

type CloudOptions = {
  /** What the endpoint is built from; default the function that is deployed. */
  mcp?: string;
  /** How many endpoints there are, each in processes of its own, of which every request goes to the next; default 1. */
  endpoints?: number;
  /** Of the machines of the shared runtime. */
  environment?: Record<string, string>;
};

/**
 * The whole system in the cloud as it is deployed: the bundles of the functions, each in processes of its own, behind a
 * REST API that checks signatures; executions on Step Functions, facts on DynamoDB, values and files on S3, and real
 * workers on AgentCore, all of them emulated on this machine.
 */
export async function openCloudSystem(
  configurationWith: (deployed: Deployed) => ConfigurationInput,
  { mcp: mcpEntry = "lambdas/mcp/handler.ts", endpoints = 1, environment = {} }: CloudOptions = {},
) {
  const stack = new AsyncDisposableStack();
  const out = mkdtempSync(join(tmpdir(), "agent-dispatch-cloud-"));
  stack.defer(() => rmSync(out, { recursive: true, force: true }));
  const emulator = stack.use(await new Emulator().listen());
  const deployed = {
    workerImageUri: IMAGE,
    workerRoleArn: ROLE,
    sharedRuntimeArn: emulator.deploy("shared", { environment }),
  };
  const build = (entry: string) => buildFunction(entry, out, configurationWith(deployed));
  const identities = { [credentials.accessKeyId]: credentials.secretAccessKey };
  const [dynalite, s3, logs, mcpFile, stepFile, janitorFile] = await Promise.all([
    startDynalite(),
    startS3({ region: REGION, identities }),
    startCloudWatchLogs({ region: REGION, identities }),
    build(mcpEntry),
    build("lambdas/workflow/handler.ts"),
    build("lambdas/janitor/handler.ts"),
  ]);
  stack.defer(dynalite.stop);
  stack.defer(s3.close);
  stack.defer(() => logs.close());
  const objects = s3.makeBucket(BUCKET);
  const table = await dynalite.makeTable();
  const store = openTaskStore({ tableName: table, client: dynalite.client });
  stack.defer(() => store.close());

  const incidents = new Set<Incident>();
  const steps: Record<string, DeployedFunction> = {};
  const taskStates = statesOf(definition, "Task");
  const stepFunctions = await startStepFunctions({
    definition,
    region: REGION,
    identities,
    functions: Object.fromEntries(taskStates.map((state) => [state, (event: unknown) => runStep(state, event)])),
    waits: Object.fromEntries(statesOf(definition, "Wait").map((state) => [state, PAUSE_MS])),
    retryScale: RETRY_SCALE,
  });

  const deploy = (name: string, file: string, more: Record<string, string> = {}) => {
    const env = {
      [environmentVariables.table]: table,
      [environmentVariables.bucket]: BUCKET,
      [environmentVariables.stateMachine]: stepFunctions.stateMachineArn,
      [environmentVariables.workerImage]: deployed.workerImageUri,
      [environmentVariables.workerRole]: deployed.workerRoleArn,
      [environmentVariables.sharedRuntime]: deployed.sharedRuntimeArn,
      [environmentVariables.runtimePrefix]: RUNTIME_PREFIX,
      [environmentVariables.logLevel]: "debug",
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      // Services see who asks.
      AWS_SESSION_TOKEN: name,
      AWS_EC2_METADATA_DISABLED: "true",
      // What has no emulator must not be reached by mistake.
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      AWS_ENDPOINT_URL_DYNAMODB: dynalite.endpoint,
      AWS_ENDPOINT_URL_S3: s3.endpoint,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.endpoint,
      AWS_ENDPOINT_URL_SFN: stepFunctions.endpoint,
      AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: emulator.endpoint,
      AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: emulator.endpoint,
      ...more,
    };
    const made = deployFunction(file, env, MOST_ENVIRONMENTS);
    stack.defer(made.stop);
    return made;
  };
  for (const state of taskStates) steps[state] = deploy(state, stepFile, { [environmentVariables.step]: state });
  const mcps = Array.from({ length: endpoints }, () => deploy("mcp", mcpFile));
  const [mcp] = mcps as [DeployedFunction];
  const requests = mcps.map(() => 0);
  let last = -1;
  const janitor = deploy("janitor", janitorFile);
  const api = await openRestApi({
    invoke: (event, options) => {
      const { userArn } = (event as { requestContext: { identity: { userArn: string } } }).requestContext.identity;
      const incident = meet("mcp", ownerOf(userArn));
      last = (last + 1) % mcps.length;
      requests[last] = (requests[last] ?? 0) + 1;
      return (mcps[last] ?? mcp).invoke(event, { ...options, dies: incident?.dies === true }).finally(incident?.met);
    },
  });
  stack.defer(api.stop);
  // Before the functions, which nothing must start again.
  stack.defer(stepFunctions.close);

  function meet(state: string, owner: string | undefined): Incident | undefined {
    const incident = [...incidents].find((each) => each.state === state && each.owner === owner);
    if (incident) incidents.delete(incident);
    return incident;
  }

  /** Runs the function behind a Task state, as Step Functions does. */
  async function runStep(state: string, event: unknown): Promise<unknown> {
    const { id } = event as { id: string };
    const incident = incidents.size > 0 ? meet(state, (await store.get(id))?.owner) : undefined;
    if (incident?.release) {
      incident.met();
      await incident.release;
    }
    const answer = await (steps[state] as DeployedFunction).invoke(event, { dies: incident?.dies === true });
    const result = (await answer.json()) as { errorType: string; errorMessage: string };
    if (incident?.dies) incident.met();
    if (!answer.headers.has("x-amz-function-error")) return result;
    throw Object.assign(new Error(result.errorMessage), { name: result.errorType });
  }

  const functions = { ...steps, mcp, janitor };
  return {
    url: api.url,
    admit: api.admit,
    /** How many each endpoint has had so far. */
    requests,
    functions: functions as Record<string, DeployedFunction> & Record<"mcp" | "janitor", DeployedFunction>,
    emulator,
    dynalite,
    s3,
    objects,
    stepFunctions,
    store,
    table,
    taskStates,
    /** Holds the next step of that owner's tasks at a state until `release` is called. */
    holdAt(state: string, caller: Caller) {
      const met = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      incidents.add({ state, owner: ownerOf(caller.userArn), met: met.resolve, release: released.promise });
      return { isThere: met.promise, release: released.resolve };
    },
    /** Kills the environment of that owner's next step at a state (or call, of `mcp`) between its effect and its answer. */
    dieAt(state: string, caller: Caller): Promise<void> {
      const met = Promise.withResolvers<void>();
      incidents.add({ state, owner: ownerOf(caller.userArn), met: met.resolve, dies: true });
      return met.promise;
    },
    /** The executions of a task, in the order of their starts. */
    executionsOf: (id: string) =>
      [...stepFunctions.executions.values()].filter(({ name }) => name.startsWith(`${id}-`)),
    /** Lets the time come at which somebody should look at a task, and runs the janitor. */
    async recover(...ids: string[]): Promise<void> {
      for (const id of ids) await store.change(id, (task) => ({ ...task, dueAtMs: Date.now() - 1 }));
      const answer = await janitor.invoke({ source: "aws.scheduler", "detail-type": "Scheduled Event", detail: {} });
      if (answer.headers.has("x-amz-function-error")) throw new Error(await answer.text());
      await answer.text();
    },
    /** Resolves with the task once it has ended and owes nothing. */
    async settled(id: string): Promise<Task> {
      for (;;) {
        const task = await store.get(id);
        if (task && isSettled(task)) return task;
        await store.waitForChange(id, task?.revision ?? 0, 1000);
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
export type CloudSystem = Awaited<ReturnType<typeof openCloudSystem>>;
