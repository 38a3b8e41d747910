import { DeployedAgents } from "../../lib/agents/deployed.ts";
import { openObservation } from "../../lib/aws/observe/observe.ts";
import { deployedToolsetOf } from "../../lib/contract/configuration.ts";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { defined } from "../../lib/contract/json.ts";
import { logLevelOf } from "../../lib/contract/logger.ts";
import { type Caller, TaskService } from "../../lib/engine/service.ts";
import type { McpExtra } from "../../lib/mcp/extra.ts";
import { createMcp } from "../../lib/mcp/server.ts";
import { traceOfRequest } from "../../lib/mcp/trace.ts";
import { openDoor, openPorts } from "../../lib/system/aws.ts";
import manifest from "../../package.json" with { type: "json" };
import { type LambdaGlobal, lambdaHttp } from "./lambda-http.ts";

declare const awslambda: LambdaGlobal;

const { log, observe, inRequest } = openObservation({
  level: logLevelOf(process.env[environmentVariables.logLevel]),
  version: manifest.version,
});
const ports = openPorts({ folder: import.meta.dirname, log, observe });
const callerOf = openDoor(ports);

/** The MCP endpoint as a function behind a REST API that streams; tests give it more to serve. */
export function serving(extraOf?: (tasksOf: (caller: Caller) => TaskService) => McpExtra) {
  const tasksOf = ({ owner, within }: Caller, trace?: string) =>
    new TaskService({ ...ports, ...defined({ trace, within }) }, owner);
  const { configuration } = ports;
  const agentsOf = (caller: Caller) => new DeployedAgents({ tasks: tasksOf(caller), configuration });
  const toolset = () => deployedToolsetOf(configuration());
  const mcp = createMcp({
    tasksOf,
    agentsOf,
    agentsAreFixed: true,
    toolset,
    log,
    ...(extraOf && { extra: extraOf(tasksOf) }),
  });
  const serve = (request: Request, caller: Caller) =>
    observe.during({ step: "mcp", owner: caller.owner, trace: traceOfRequest(request) }, () =>
      mcp.fetch(request, caller),
    );
  const answer = lambdaHttp({ serve, callerOf, streams: awslambda.HttpResponseStream, log });
  return awslambda.streamifyResponse((event, stream, context) =>
    inRequest(context.awsRequestId, () => answer(event, stream, context)),
  );
}

export const handler = serving();
