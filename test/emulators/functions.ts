import { onTestFinished } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { openTaskStore } from "../../lib/store/dynamodb/task-store.ts";
import { exampleConfiguration } from "../mcp/ports.ts";
import { temporaryFolder } from "../worker/start-worker.ts";
import { startDynalite } from "./dynalite.ts";
import { buildFunction, deployFunction } from "./lambda-runner.ts";
import { openStartRecorder } from "./start-recorder.ts";

const { accounts, backends, runtimes, defaults } = exampleConfiguration;

/** What the cloud can serve of the example. */
const configuration = {
  accounts: { "dev-aws": accounts["dev-aws"] },
  backends: { "agentcore-dev": backends["agentcore-dev"] },
  runtimes: {
    research: { ...runtimes.research, limits: { timeoutSeconds: 600 } },
    lead: { backend: "agentcore-dev", framework: "strands", mayDispatch: true, target: { mode: "session" as const } },
  },
  defaults: { ...defaults, runtime: "research", limits: { maxRunning: 100, maxRunningPerProfile: 100 } },
};

/** An empty table, a state machine that runs nothing, and the functions that are deployed beside them. */
export async function openCloud() {
  const dynalite = await startDynalite();
  const table = await dynalite.makeTable();
  const recorder = await openStartRecorder();
  const store = openTaskStore({ tableName: table, client: dynalite.client });
  const stops = [async () => store.close(), recorder.stop, dynalite.stop];
  const out = temporaryFolder();
  const built = new Map<string, Promise<string>>();
  return {
    store,
    starts: recorder.starts,
    /** A function with what it needs; `more` goes into its environment. */
    async deploy(entry: string, more: Record<string, string> = {}) {
      const file = built.get(entry) ?? buildFunction(entry, out, configuration);
      built.set(entry, file);
      const deployed = deployFunction(await file, {
        [environmentVariables.table]: table,
        [environmentVariables.bucket]: "artifacts",
        [environmentVariables.stateMachine]: "arn:aws:states:us-east-1:123456789012:stateMachine:dispatch",
        [environmentVariables.workerImage]: "123456789012.dkr.ecr.us-east-1.amazonaws.com/agent-dispatch:worker",
        [environmentVariables.workerRole]: "arn:aws:iam::123456789012:role/agent-dispatch-worker",
        [environmentVariables.sharedRuntime]:
          "arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/shared-AbCdEf1234",
        [environmentVariables.runtimePrefix]: "ad_0a1b2c3d_",
        [environmentVariables.logLevel]: "debug",
        AWS_ENDPOINT_URL_DYNAMODB: dynalite.endpoint,
        AWS_ENDPOINT_URL_SFN: recorder.endpoint,
        ...more,
      });
      stops.unshift(deployed.stop);
      return deployed;
    },
    /** A function for one test. */
    async deployForTest(entry: string, more: Record<string, string>) {
      const deployed = await this.deploy(entry, more);
      onTestFinished(deployed.stop);
      return deployed;
    },
    async stop() {
      for (const stop of stops) await stop();
    },
  };
}
export type Cloud = Awaited<ReturnType<typeof openCloud>>;
