import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

type Start = { stateMachineArn: string; name: string; input: string };

/** Takes the starts of executions as Step Functions does, and runs none. Left out: everything else, signatures as well. */
export async function openStartRecorder() {
  const starts: Start[] = [];
  const server = createServer(async (request, response) => {
    const start = (await json(request)) as Start;
    const known = request.headers["x-amz-target"] === "AWSStepFunctions.StartExecution";
    if (known) starts.push(start);
    response.writeHead(known ? 200 : 400, { "content-type": "application/x-amz-json-1.0" });
    const executionArn = `${start.stateMachineArn.replace(":stateMachine:", ":execution:")}:${start.name}`;
    response.end(
      JSON.stringify(known ? { executionArn, startDate: Date.now() / 1000 } : { __type: "UnknownOperation" }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    starts,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
