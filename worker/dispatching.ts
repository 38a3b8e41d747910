import { basename, join } from "node:path";
import { environmentVariables } from "../lib/contract/execution-environment.ts";
import { isObject, type JsonObject } from "../lib/contract/json.ts";
import { DISPATCHING, type Dispatching, type McpServer } from "../lib/contract/worker.ts";
import { jobEnv, marksOf } from "./job-env.ts";
import type { JobContext } from "./runner.ts";

/** What the bridge becomes when it is bundled, beside the worker's own bundle. */
export const bundledBridge = "bridge.mjs";

/** By which a program that is not told them finds the role of its container. */
const ofTheRole = [
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN",
  "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
  "AWS_EC2_METADATA_SERVICE_ENDPOINT",
  "AWS_REGION",
] as const;

/** The tools of an agent that may dispatch have that server too, marked as the task's like all that runs for it. */
export function withDispatching(tools: JsonObject | undefined, job: JobContext): JsonObject | undefined {
  const { dispatching } = job.task;
  if (!dispatching) return tools;
  const marks = Object.fromEntries(marksOf(jobEnv(job)));
  const server = serverOf(dispatching, job);
  const marked = "url" in server ? server : { ...server, env: { ...server.env, ...marks } };
  const named = isObject(tools?.mcpServers) ? tools.mcpServers : {};
  return { ...tools, mcpServers: { ...named, [DISPATCHING]: marked } };
}

/** In front of an endpoint it is the bridge, which signs with the credentials of the container. */
function serverOf(dispatching: Dispatching, { config: { jobEnv: own } }: JobContext): McpServer {
  if (!("endpoint" in dispatching)) return dispatching;
  const found = ofTheRole.flatMap((name) => (own[name] ? [[name, own[name]]] : []));
  return {
    command: process.execPath,
    args: [bridgeFile(), "--endpoint", dispatching.endpoint],
    env: {
      ...Object.fromEntries(found),
      [environmentVariables.taskToken]: dispatching.token,
    },
  };
}

/** The program as it was written, or as it was bundled. */
function bridgeFile(): string {
  const { filename, dirname: folder } = import.meta;
  return join(folder, basename(filename) === "dispatching.ts" ? "../lib/client/bridge/main.ts" : bundledBridge);
}
