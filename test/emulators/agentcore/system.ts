import { afterAll, beforeAll, onTestFinished } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import type { AtEnd } from "../../mcp/clients.ts";
import { startSystem, temporaryFolder } from "../../system/system.ts";
import { startCloudWatchLogs } from "../cloudwatch-logs.ts";
import { credentials, Emulator, IMAGE, REGION, ROLE } from "./emulator.ts";

/** Lets the SDKs of this process find the local identity, for the length of a test file. */
export function askAsLocalIdentity(): void {
  const before = { ...process.env };
  beforeAll(() => {
    process.env.AWS_ACCESS_KEY_ID = "local";
    process.env.AWS_SECRET_ACCESS_KEY = "local";
  });
  afterAll(() => {
    process.env = before;
  });
}

/** An emulator for the length of a test. */
export async function startEmulator(atEnd: AtEnd = onTestFinished): Promise<Emulator> {
  const emulator = await new Emulator().listen();
  atEnd(() => emulator[Symbol.asyncDispose]());
  return emulator;
}

/** A configuration with a profile for each mode. */
export const configurationWith = (runtimeArn?: string, details: Json = {}): Json => ({
  accounts: { "dev-aws": { provider: "aws", region: REGION } },
  backends: {
    cloud: {
      adapter: "aws-agentcore",
      account: "dev-aws",
      details: { ecrImageUri: IMAGE, executionRoleArn: ROLE, ...(runtimeArn && { runtimeArn }), ...details },
    },
  },
});

/** The whole system on this machine, with AgentCore as the emulator plays it; `more` is added to its environment. */
export async function startLaptop(
  emulator: Emulator,
  configuration: Json,
  stateDir = temporaryFolder(),
  more: Record<string, string> = {},
  atEnd: AtEnd = onTestFinished,
) {
  const identities = { [credentials.accessKeyId]: credentials.secretAccessKey };
  const logs = await startCloudWatchLogs({ region: REGION, identities });
  atEnd(() => logs.close());
  const env = {
    // Other services of AWS as well: it answers nothing there, and nothing leaves this machine.
    AWS_ENDPOINT_URL: emulator.endpoint,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: "true",
    ...more,
  };
  return startSystem(stateDir, { configuration, env, atEnd, prewarm: false });
}

/** The arguments of dispatch_task for AgentCore. */
export const onAgentCore = (mode: "runtime" | "session", details: Json = {}): Json => ({
  provider: "aws",
  account_profile: "dev-aws",
  target: { mode, ...(Object.keys(details).length > 0 && { details }) },
});
