import { createRequire } from "node:module";
import type * as Util from "node:util";
import { InvalidInputError } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import { type LogLevel, logLevelOf, logLevels } from "../../contract/logger.ts";
import type { Target } from "../http/door.ts";
import { targetOf } from "../http/target.ts";

/** An import would evaluate each export of the module, which takes a tenth of the time that the bridge has to start. */
const { parseArgs } = createRequire(import.meta.url)("node:util") as typeof Util;

const options = {
  endpoint: { type: "string" },
  stack: { type: "string" },
  region: { type: "string" },
  service: { type: "string" },
  profile: { type: "string" },
  config: { type: "string" },
  "state-dir": { type: "string" },
  "log-level": { type: "string" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

export const help = `Usage: agent-dispatch bridge [options]

An MCP server on standard input and output for clients that start one, in front of an endpoint of AgentDispatch: that of a
deployed stack, with every request signed, or the local system, which is started if none runs.

Options:
  --endpoint <url>     the address of the endpoint; default $${environmentVariables.endpoint}
  --stack <name>       the stack whose output Endpoint is the address; default $${environmentVariables.stack}
  --region <region>    what requests are signed for, where the host does not say it; or where the stack is
  --service <service>  the same: execute-api, lambda or bedrock-agentcore
  --profile <name>     a profile of the AWS configuration; default the standard chain of credentials
  --config <file>      the configuration of the local system
  --state-dir <dir>    the state folder of the local system
  --log-level <level>  ${logLevels.join(", ")}: what is told on standard error; default warn
  -h, --help           show this
  --version            show the version
`;

export type BridgeOptions = { show?: "help" | "version"; target: Target; logLevel: LogLevel };

/** What the words of the command line ask for. Throws RefusedError `input.invalid` that names the word. */
export function readOptions(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): BridgeOptions {
  const { help, version, "state-dir": stateDir, "log-level": logLevel, ...target } = parse(words);
  if (logLevel !== undefined && !logLevels.some((level) => level === logLevel))
    throw new InvalidInputError([{ path: "--log-level", message: `must be one of ${logLevels.join(", ")}` }]);
  return {
    ...(help ? { show: "help" as const } : version && { show: "version" as const }),
    target: targetOf({ ...target, ...(stateDir !== undefined && { stateDir }) }, env),
    logLevel: logLevelOf(logLevel ?? env[environmentVariables.logLevel]),
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options, allowPositionals: false }).values;
  } catch (error) {
    throw new InvalidInputError([{ path: "", message: error instanceof Error ? error.message : String(error) }]);
  }
}
