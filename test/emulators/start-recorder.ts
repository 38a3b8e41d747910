import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { listen } from "./requests/listen.ts";

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
  const { endpoint, close } = await listen(server);
  return { starts, endpoint, stop: close };
}
