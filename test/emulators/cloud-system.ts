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
import type { Park } from "./agentcore/machines.ts";
import { startBedrockModels } from "./bedrock-models.ts";
import { startCloudFormation } from "./cloudformation.ts";
import { startCloudWatchLogs } from "./cloudwatch-logs.ts";
import { startDynalite } from "./dynalite.ts";
import { startEcr } from "./ecr.ts";
import { statesOf } from "./executions.ts";
import { buildFunction, Concurrency, type DeployedFunction, deployFunction } from "./lambda-runner.ts";
import { openRestApi } from "./rest-api.ts";
import { startS3 } from "./s3.ts";
import { startServiceQuotas } from "./service-quotas.ts";
import { startStepFunctions } from "./step-functions.ts";

/** What every Wait state takes: visits follow each other at this pace, whatever the steps ask for. */
const PAUSE_MS = 250;
const RETRY_SCALE = 0.1;
const BUCKET = "artifacts";
/** As `test/infra/synthesis.ts` resolves them. */
const RUNTIME_PREFIX = "ad_0a1b2c3d_";
/** Whose digits the prefix has. */
export const STACK_ID =
  "arn:aws:cloudformation:us-west-2:123456789012:stack/agent-dispatch/0a1b2c3d-4e5f-11ef-8a9b-0c1d2e3f4a5b";
/** The code of the quota of functions that run at once. */
const CONCURRENCY = "L-B99A9384";
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
  /** Default: machines with real workers in processes. */
  machines?: Park;
  /**
   * Functions that the account may run at once, as Service Quotas says too; more are refused. Default: as many as are asked
   * for.
   */
  concurrency?: number;
};

/**
 * The whole system in the cloud as it is deployed: the bundles of the functions, each in processes of its own, behind a
 * REST API that checks signatures; executions on Step Functions, facts on DynamoDB, values and files on S3, and real
 * workers on AgentCore, all of them emulated on this machine.
 */
export async function openCloudSystem(
  configurationWith: (deployed: Deployed) => ConfigurationInput,
  {
    mcp: mcpEntry = "lambdas/mcp/handler.ts",
    endpoints = 1,
    environment = {},
    machines,
    concurrency,
  }: CloudOptions = {},
) {
  const stack = new AsyncDisposableStack();
  const out = mkdtempSync(join(tmpdir(), "agent-dispatch-cloud-"));
  stack.defer(() => rmSync(out, { recursive: true, force: true }));
  const emulator = stack.use(await new Emulator({ ...(machines && { machines }) }).listen());
  const deployed = {
    workerImageUri: IMAGE,
    workerRoleArn: ROLE,
    sharedRuntimeArn: emulator.deploy("shared", { environment }),
  };
  const build = (entry: string) => buildFunction(entry, out, configurationWith(deployed));
  const identities = { [credentials.accessKeyId]: credentials.secretAccessKey };
  const statuses: Record<string, string> = {};
  const [dynalite, s3, logs, quotas, models, images, stacks, mcpFile, stepFile, janitorFile, operatorFile] =
    await Promise.all([
      startDynalite(),
      startS3({ region: REGION, identities }),
      startCloudWatchLogs({ region: REGION, identities }),
      startServiceQuotas({ region: REGION, identities }),
      startBedrockModels({ region: REGION, identities }),
      startEcr({ region: REGION, identities }),
      startCloudFormation({ region: REGION, identities, stacks: { [STACK_ID]: {} }, statuses }),
      build(mcpEntry),
      build("lambdas/workflow/handler.ts"),
      build("lambdas/janitor/handler.ts"),
      build("lambdas/operator/handler.ts"),
    ]);
  stack.defer(dynalite.stop);
  stack.defer(s3.close);
  for (const service of [logs, quotas, models, images, stacks]) stack.defer(() => service.close());
  if (concurrency !== undefined) quotas.values[CONCURRENCY] = concurrency;
  const account = concurrency === undefined ? undefined : new Concurrency(concurrency);
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
      AWS_ENDPOINT_URL_SERVICE_QUOTAS: quotas.endpoint,
      AWS_ENDPOINT_URL_BEDROCK: models.endpoint,
      AWS_ENDPOINT_URL_ECR: images.endpoint,
      AWS_ENDPOINT_URL_CLOUDFORMATION: stacks.endpoint,
      AWS_ENDPOINT_URL_SFN: stepFunctions.endpoint,
      AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: emulator.endpoint,
      AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: emulator.endpoint,
      ...more,
    };
    const made = deployFunction(file, env, { most: MOST_ENVIRONMENTS, ...(account && { account }) });
    stack.defer(made.stop);
    return made;
  };
  const requests = Array.from({ length: endpoints }, () => 0);
  let last = -1;
  const api = await openRestApi({
    invoke: (event, options) => {
      const { userArn } = (event as { requestContext: { identity: { userArn: string } } }).requestContext.identity;
      const incident = meet("mcp", ownerOf(userArn));
      last = (last + 1) % endpoints;
      requests[last] = (requests[last] ?? 0) + 1;
      return (mcps[last] ?? mcp).invoke(event, { ...options, dies: incident?.dies === true }).finally(incident?.met);
    },
  });
  stack.defer(api.stop);
  for (const state of taskStates)
    steps[state] = deploy(state, stepFile, {
      [environmentVariables.step]: state,
      ...(state === "Start" && { [environmentVariables.agentEndpoint]: api.url }),
    });
  const mcps = Array.from({ length: endpoints }, () => deploy("mcp", mcpFile));
  const [mcp] = mcps as [DeployedFunction];
  const janitor = deploy("janitor", janitorFile);
  const operator = deploy("operator", operatorFile);
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
    // As Step Functions calls it: https://docs.aws.amazon.com/lambda/latest/dg/services-stepfunctions.html
    const name = answer.status === 429 ? "Lambda.TooManyRequestsException" : result.errorType;
    throw Object.assign(new Error(result.errorMessage), { name });
  }

  const functions = { ...steps, mcp, janitor, operator };
  return {
    url: api.url,
    admit: api.admit,
    /** How many each endpoint has had so far. */
    requests,
    functions: functions as Record<string, DeployedFunction> & Record<"mcp" | "janitor" | "operator", DeployedFunction>,
    emulator,
    dynalite,
    s3,
    objects,
    stepFunctions,
    store,
    table,
    bucket: BUCKET,
    /** How the stack stands, as CloudFormation says, by its id. */
    statuses,
    /** Of the functions of the account, where it is bounded. */
    account,
    deployed,
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
    /** Lets the time pass for which runtimes that tasks share are kept, and the janitor delete them. */
    async dropRuntimes(): Promise<void> {
      for (;;) {
        const left = (await store.listRuntimes()).filter(({ state }) => state !== "gone");
        if (left.length === 0) return;
        for (const { id } of left)
          await store.changeRuntime(id, (runtime) => runtime && { ...runtime, lastUsedAtMs: 0, attemptedAtMs: 0 });
        const answer = await janitor.invoke({ source: "aws.scheduler", "detail-type": "Scheduled Event", detail: {} });
        if (answer.headers.has("x-amz-function-error")) throw new Error(await answer.text());
        await answer.text();
      }
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
