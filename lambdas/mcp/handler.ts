import { functionLogger } from "../../lib/aws/logger.ts";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { logLevelOf } from "../../lib/contract/logger.ts";
import { ownerOf } from "../../lib/engine/owner.ts";
import { TaskService } from "../../lib/engine/service.ts";
import type { McpExtra } from "../../lib/mcp/extra.ts";
import { createMcp } from "../../lib/mcp/server.ts";
import { openPorts } from "../../lib/system/aws.ts";
import manifest from "../../package.json" with { type: "json" };
import { type LambdaGlobal, lambdaHttp } from "./lambda-http.ts";

declare const awslambda: LambdaGlobal;

const log = functionLogger({
  level: logLevelOf(process.env[environmentVariables.logLevel]),
  version: manifest.version,
});
const ports = openPorts({ folder: import.meta.dirname, log });

/** The MCP endpoint as a function behind a REST API that streams; tests give it more to serve. */
export function serving(extraOf?: (tasksOf: (owner: string) => TaskService) => McpExtra) {
  const tasksOf = (owner: string) => new TaskService(ports, owner);
  const toolset = () => ports.configuration().toolset;
  const mcp = createMcp({ tasksOf, toolset, log, ...(extraOf && { extra: extraOf(tasksOf) }) });
  const answer = lambdaHttp({ serve: mcp.fetch, ownerOf, streams: awslambda.HttpResponseStream, log });
  return awslambda.streamifyResponse((event, stream, context) =>
    log.inRequest(context.awsRequestId, () => answer(event, stream, context)),
  );
}

export const handler = serving();
