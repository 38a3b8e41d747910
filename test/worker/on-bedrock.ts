import { startBedrock } from "../emulators/models/bedrock.ts";
import { startWorker, temporaryFolder } from "./start-worker.ts";

const KEY = "AKIAEXAMPLE";
export const MODEL = "global.anthropic.claude-sonnet-5";

/** A worker whose sessions have credentials for an emulated Bedrock, with a workspace of its own. */
export async function startOnBedrock(env: Record<string, string> = {}) {
  const bedrock = await startBedrock(KEY);
  const workspace = temporaryFolder();
  const worker = await startWorker({
    AWS_REGION: "us-west-2",
    AWS_ACCESS_KEY_ID: KEY,
    AWS_SECRET_ACCESS_KEY: "secret-of-the-model",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
    AGENTDISPATCH_WORKSPACE: workspace,
    ...env,
  });
  return {
    bedrock,
    worker,
    workspace,
    run: (instruction: string, input: object = {}, fields: Record<string, unknown> = {}) =>
      worker.agent({ instruction, framework: "strands", model: MODEL, ...input }, fields),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]();
      await bedrock[Symbol.asyncDispose]();
    },
  };
}
export type OnBedrock = Awaited<ReturnType<typeof startOnBedrock>>;
