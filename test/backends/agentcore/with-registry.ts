import { onTestFinished } from "vitest";
import { credentials, type Emulator, REGION } from "../../emulators/agentcore/emulator.ts";
import { startEmulator } from "../../emulators/agentcore/system.ts";
import { startEcr } from "../../emulators/ecr.ts";

/** AgentCore and a registry of images for the length of a test, where the SDKs of this process look for them. */
export async function startWithRegistry(): Promise<{
  emulator: Emulator;
  registry: Awaited<ReturnType<typeof startEcr>>;
}> {
  const emulator = await startEmulator();
  const registry = await startEcr({
    region: REGION,
    identities: { [credentials.accessKeyId]: credentials.secretAccessKey },
  });
  onTestFinished(() => registry.close());
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: emulator.endpoint,
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: emulator.endpoint,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: emulator.endpoint,
    AWS_ENDPOINT_URL_ECR: registry.endpoint,
  });
  return { emulator, registry };
}
