/** The system suites on this machine as a control plane for AgentCore, which an emulator plays with real workers. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { CONTRACT } from "../../lib/contract/worker.ts";
import { credentials, Emulator, IMAGE, REGION, ROLE } from "../emulators/agentcore/emulator.ts";
import { onAgentCore } from "../emulators/agentcore/system.ts";
import { startCloudWatchLogs } from "../emulators/cloudwatch-logs.ts";
import { cancelling } from "./suites/cancelling.ts";
import { dispatching } from "./suites/dispatching.ts";
import { dying } from "./suites/dying.ts";
import { families } from "./suites/families.ts";
import { localAbout, localSystem, workersOnly } from "./under-test.ts";

const adapter = "aws-agentcore";
let emulator: Emulator;
let logs: Awaited<ReturnType<typeof startCloudWatchLogs>>;
let runtimeArn: string;
beforeAll(async () => {
  const identities = { [credentials.accessKeyId]: credentials.secretAccessKey };
  logs = await startCloudWatchLogs({ region: REGION, identities });
  emulator = await new Emulator().listen();
  runtimeArn = emulator.deploy("shared");
});
afterAll(async () => {
  await emulator?.[Symbol.asyncDispose]();
  logs?.close();
});

function options() {
  const details = { ecrImageUri: IMAGE, executionRoleArn: ROLE, runtimeArn, contract: CONTRACT };
  return {
    configuration: {
      accounts: { "dev-aws": { provider: "aws", region: REGION } },
      backends: {
        cloud: { adapter, account: "dev-aws", details },
        here: { adapter, account: "dev-aws", details: { ...details, environment: workersOnly } },
      },
      runtimes: { cloud: { backend: "cloud", target: { mode: "session" } } },
      defaults: { runtime: "cloud" },
    },
    env: {
      AWS_ENDPOINT_URL: emulator.endpoint,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: "true",
    },
    place: onAgentCore("session"),
    prewarm: false,
  };
}

describe.concurrent("the local system with AgentCore", () => {
  const system = localSystem({
    options,
    secretPlace: { backend: "here", target: { mode: "runtime" } },
    about: {
      ...localAbout,
      providers: ["aws"],
      accounts: [{ name: "dev-aws", provider: "aws" }],
      check: { adapter },
      framework: "strands",
      backend: adapter,
    },
  });
  dispatching(system);
  cancelling(system);
  families(system);
  dying(system);
});

it("has broken no rule of the service", ({ expect }) => {
  expect(emulator.flaws).toEqual([]);
});
