import type { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import { addressOf, type Connection } from "../aws/connection.ts";
import { amazonTrace } from "../contract/observation/trace.ts";
import type { Workflow } from "./port.ts";
import { explain, isTaken } from "./step-functions-errors.ts";

export type WorkflowOptions = Connection & { stateMachineArn: string };

type Sdk = typeof import("@aws-sdk/client-sfn") & { client: SFNClient };

/**
 * Runs the definition on Step Functions. Starting an execution that runs already, with the same name and input, is
 * answered with the one that runs, so a start may be sent again; the name of one that has ended stays taken for 90 days.
 * The SDK is loaded by the first call. Throws RetryableError `platform.workflow_unavailable`, RefusedError
 * `platform.workflow_denied` or `platform.workflow_missing`.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 *
 * @example
 * const workflow = stepFunctionsWorkflow({ stateMachineArn });
 * await workflow.start(task.id, task.n);
 */
export function stepFunctionsWorkflow(options: WorkflowOptions): Workflow & { close(): void } {
  const { stateMachineArn } = options;
  let sdk: Promise<Sdk> | undefined;
  return {
    async start(id, n, trace) {
      sdk ??= openSdk(options);
      try {
        const { client, StartExecutionCommand } = await sdk;
        // The same text each time: with another input the name would be refused.
        const input = JSON.stringify({ id, n });
        const command = new StartExecutionCommand({ stateMachineArn, name: `${id}-${n}`, input });
        if (trace !== undefined) putInTrace(command, trace);
        await client.send(command);
        return "started";
      } catch (error) {
        if (isTaken(error)) return "exists";
        throw explain(error, stateMachineArn);
      }
    },
    close() {
      sdk?.then(
        ({ client }) => client.destroy(),
        () => {},
      );
    },
  };
}

/**
 * The trace goes into the header, which counts more than the field of the request: there the SDK would put the trace of the
 * function, and of a janitor that is not the caller's.
 */
function putInTrace({ middlewareStack }: StartExecutionCommand, trace: string): void {
  middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers["X-Amzn-Trace-Id"] = amazonTrace(trace);
      return next(args);
    },
    { step: "build" },
  );
}

/** A request has three seconds to connect and five to be answered, and is sent at most three times. */
async function openSdk(connection: Connection): Promise<Sdk> {
  const sdk = await import("@aws-sdk/client-sfn");
  const client = new sdk.SFNClient({
    ...addressOf(connection),
    maxAttempts: 3,
    retryMode: "standard",
    requestHandler: { connectionTimeout: 3000, requestTimeout: 5000, throwOnRequestTimeout: true },
  });
  return { ...sdk, client };
}
