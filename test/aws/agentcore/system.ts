import { onTestFinished } from "vitest";
import type { Json } from "../../../lib/domain/task.ts";
import { startSystem, temporaryFolder } from "../../system/system.ts";
import { Emulator, IMAGE, REGION, ROLE } from "./emulator.ts";
import { credentials } from "./signature.ts";

/** An emulator for the length of a test. */
export async function startEmulator(): Promise<Emulator> {
  const emulator = await new Emulator().listen();
  onTestFinished(() => emulator[Symbol.asyncDispose]());
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

/** The whole system on this machine, with AgentCore as the emulator plays it. */
export async function startLaptop(emulator: Emulator, configuration: Json, stateDir = temporaryFolder()) {
  const env = {
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: emulator.endpoint,
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: emulator.endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: "true",
  };
  return startSystem(stateDir, { configuration, env });
}

/** The arguments of dispatch_task for AgentCore. */
export const onAgentCore = (mode: "runtime" | "session", details: Json = {}): Json => ({
  provider: "aws",
  account_profile: "dev-aws",
  target: { mode, ...(Object.keys(details).length > 0 && { details }) },
});
