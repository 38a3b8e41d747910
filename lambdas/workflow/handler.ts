import { openObservation } from "../../lib/aws/observe/observe.ts";
import { environmentVariables, neededVariable } from "../../lib/contract/execution-environment.ts";
import { logLevelOf } from "../../lib/contract/logger.ts";
import { openPorts } from "../../lib/system/aws.ts";
import manifest from "../../package.json" with { type: "json" };
import { lambdaStep } from "./lambda-step.ts";

const { log, observe, inRequest } = openObservation({
  level: logLevelOf(process.env[environmentVariables.logLevel]),
  version: manifest.version,
});
const ports = openPorts({ folder: import.meta.dirname, log, observe });
const step = lambdaStep(neededVariable(process.env, environmentVariables.step), ports);

/** One step of the workflow as a function; the environment says which. */
export const handler = (event: unknown, context: { awsRequestId: string }) =>
  inRequest(context.awsRequestId, () => step(event));
