import { statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { cloudDefaults } from "../backends/agentcore/cloud-defaults.ts";
import { deployedAgentCore } from "../backends/agentcore/description.ts";
import { withBuiltIn } from "../config/built-in.ts";
import { checkedConfiguration, readConfiguration } from "../config/config-file.ts";
import { ConfigurationError, type ConfigurationPlace } from "../config/locate.ts";
import type { Configuration } from "../contract/configuration.ts";
import type { Issue } from "../contract/errors.ts";
import { environmentVariables } from "../contract/execution-environment.ts";
import { isObject, type JsonObject } from "../contract/json.ts";
import type { Protocol } from "../contract/kinds.ts";
import { unusablePatterns } from "./agentcore/policy-issues.ts";
import { sharedProtocol } from "./agentcore/shared-protocol.ts";
import { deployedEntries } from "./bundle.ts";

/**
 * `input` is the file as it was written: what is deployed, and completed there. `agent` is the folder, as an absolute path,
 * of what is put into the worker's image.
 */
export type CloudConfiguration = {
  input: JsonObject;
  configuration: Configuration;
  /** What the runtime of the profile `shared` speaks. */
  protocol: Protocol;
  agent?: string;
};

/** Stands for what the stack makes, where only names matter. */
const unknown = {
  workerImageUri: "public.ecr.aws/stack/worker",
  workerRoleArn: "arn:aws:iam::000000000000:role/stack",
  sharedRuntimeArn: "arn:aws:bedrock-agentcore:us-east-1:000000000000:runtime/stack-0000000000",
};

const builtIn = cloudDefaults(unknown);

/** Reads the configuration of a deployment as the local system reads its own. Throws ConfigurationError with all issues. */
export function loadCloudConfiguration(source: ConfigurationPlace): CloudConfiguration {
  const { path, input } = readConfiguration(source);
  const configuration = checkedConfiguration(path, withBuiltIn(builtIn, input), {
    adapters: [deployedAgentCore],
    baseDir: dirname(path),
    others: [...localParts(input), ...unusablePatterns(input)],
  });
  const written = isObject(input) ? input : {};
  const { protocol, issues } = sharedProtocol(configuration, written, unknown.sharedRuntimeArn);
  if (issues.length > 0) throw new ConfigurationError(path, issues);
  const { workerImage } = configuration.cloud;
  const agent = workerImage?.directory === undefined ? undefined : resolve(dirname(path), workerImage.directory);
  if (agent !== undefined && !statSync(agent, { throwIfNoEntry: false })?.isDirectory())
    throw new ConfigurationError(path, [{ path: "cloud.workerImage.directory", message: `${agent} is not a folder` }]);
  return { input: withShared(written, protocol), configuration, protocol, ...(agent !== undefined && { agent }) };
}

/** The profile `shared` speaks what its runtime does. */
function withShared(input: JsonObject, protocol: Protocol): JsonObject {
  const runtimes = isObject(input.runtimes) ? input.runtimes : {};
  if (protocol === "http" || Object.hasOwn(runtimes, "shared")) return input;
  return { ...input, runtimes: { ...runtimes, shared: { ...builtIn.runtimes.shared, protocol } } };
}

/** Puts the configuration beside each bundled handler, as it was written but for what only says how to deploy. */
export async function writeConfiguration(bundles: string, input: JsonObject): Promise<void> {
  const { $schema: _schema, stateDir: _stateDir, cloud, ...deployed } = input;
  const { models, workerImage } = isObject(cloud) ? cloud : {};
  const { claudeCode } = isObject(workerImage) ? workerImage : {};
  // Which model is asked where nobody names one, and what workers have, is known to whoever chooses for a task.
  const known = {
    ...(models !== undefined && { models }),
    ...(claudeCode === true && { workerImage: { claudeCode } }),
  };
  const text = `${JSON.stringify({ ...deployed, ...(Object.keys(known).length > 0 && { cloud: known }) }, null, 2)}\n`;
  const handlers = deployedEntries().filter((entry) => entry.startsWith("lambdas/"));
  await Promise.all(handlers.map((entry) => writeFile(join(bundles, dirname(entry), "configuration.json"), text)));
}

/** What only one machine can serve would fail each task that is sent there. */
function localParts(input: unknown): Issue[] {
  const hint = `is for one machine; name another file for the deployment, with ${environmentVariables.configFile}`;
  return [
    ...entries(input, "accounts").flatMap(([name, { provider }]) =>
      provider === "local" ? [{ path: `accounts.${name}.provider`, message: `local ${hint}` }] : [],
    ),
    ...entries(input, "accounts").flatMap(([name, { credentialSource }]) =>
      typeof credentialSource === "string" && credentialSource.startsWith("profile:")
        ? [{ path: `accounts.${name}.credentialSource`, message: `a profile of ~/.aws/config ${hint}` }]
        : [],
    ),
  ];
}

function entries(input: unknown, part: string): [string, JsonObject][] {
  const found = isObject(input) ? input[part] : undefined;
  return isObject(found)
    ? Object.entries(found).filter((entry): entry is [string, JsonObject] => isObject(entry[1]))
    : [];
}
