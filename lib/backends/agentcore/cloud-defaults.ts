import type { ConfigurationInput } from "../../contract/configuration.ts";
import { agentCore } from "./description.ts";

/** What the stack has made, that profiles refer to. */
export type Deployed = { workerImageUri: string; workerRoleArn: string; sharedRuntimeArn: string };

/**
 * What a deployment has without a word of the configuration: the account it is in, a backend there, the profile `worker` (a
 * runtime made for each task, of the worker image; the default) and the profile `shared` (a fresh session on the runtime that
 * the stack deployed).
 */
export const cloudDefaults = ({ workerImageUri, workerRoleArn, sharedRuntimeArn }: Deployed) =>
  ({
    accounts: { aws: { provider: "aws" } },
    backends: {
      agentcore: {
        adapter: agentCore.name,
        account: "aws",
        details: { ecrImageUri: workerImageUri, executionRoleArn: workerRoleArn, runtimeArn: sharedRuntimeArn },
      },
    },
    runtimes: {
      worker: { backend: "agentcore", target: { mode: "runtime" } },
      shared: { backend: "agentcore", target: { mode: "session" } },
    },
    defaults: { runtime: "worker" },
  }) satisfies ConfigurationInput;
