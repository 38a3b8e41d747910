import { openObservation } from "../../lib/aws/observe/observe.ts";
import { isStackEnding } from "../../lib/aws/stack-status.ts";
import { toProblem } from "../../lib/contract/errors.ts";
import { environmentVariables, neededVariable } from "../../lib/contract/execution-environment.ts";
import { logLevelOf } from "../../lib/contract/logger.ts";
import { answerOperator } from "../../lib/engine/stopping/operator.ts";
import { onStackEvent } from "../../lib/engine/stopping/stack-events.ts";
import { openPorts } from "../../lib/system/aws.ts";
import manifest from "../../package.json" with { type: "json" };
import { asCustomResource, respond } from "./custom-resource.ts";

/** For what comes behind the last thing that is begun: a request with all its attempts may take 80 seconds. */
const RESERVE_MS = 90_000;

const { log, observe, inRequest } = openObservation({
  level: logLevelOf(process.env[environmentVariables.logLevel]),
  version: manifest.version,
});
const ports = openPorts({ folder: import.meta.dirname, log, observe });
const prefix = neededVariable(process.env, environmentVariables.runtimePrefix);

type Context = { awsRequestId: string; getRemainingTimeInMillis(): number };

/**
 * Does what an operator asks, who may invoke this function, and answers it, or with the problem as `error`; and what
 * CloudFormation asks of the custom resource, which sweeps the system when its stack is deleted.
 */
export const handler = (event: unknown, context: Context) =>
  inRequest(context.awsRequestId, () =>
    observe.during({ step: "operator" }, async () => {
      const leftMs = () => context.getRemainingTimeInMillis() - RESERVE_MS;
      const request = asCustomResource(event);
      if (request) {
        const stackEvent = { type: request.RequestType, stackId: request.StackId };
        const outcome = await onStackEvent(ports, stackEvent, {
          prefix,
          withinMs: leftMs(),
          isStackEnding: (stackId) => isStackEnding({ region: process.env.AWS_REGION }, stackId),
        });
        await respond(request, outcome);
        return outcome;
      }
      try {
        return await answerOperator(ports, event, () => leftMs() > 0);
      } catch (error) {
        const problem = toProblem(error);
        log.warn("what an operator asked for was not done", { code: problem.code, error: String(error) });
        return { error: problem };
      }
    }),
  );
