import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { listen } from "./requests/listen.ts";

/**
 * Stands between a client and DynamoDB and loses answers: the request is carried out, and then the connection is closed.
 * `loses` says which, by the name of the operation and how many of that operation there were before.
 */
export async function startLossyProxy(endpoint: string, loses: (operation: string, before: number) => boolean) {
  const seen: Record<string, number> = {};
  let lost = 0;
  const server = createServer(async (request, response) => {
    const operation = String(request.headers["x-amz-target"]).split(".").at(-1) ?? "";
    const before = seen[operation] ?? 0;
    seen[operation] = before + 1;
    const { host: _, connection: __, "content-length": ___, ...headers } = request.headers;
    const answer = await fetch(endpoint, {
      method: "POST",
      body: await buffer(request),
      headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
    });
    const body = Buffer.from(await answer.arrayBuffer());
    if (loses(operation, before)) {
      lost += 1;
      request.socket.destroy();
      return;
    }
    const type = answer.headers.get("content-type") ?? "application/x-amz-json-1.0";
    response.writeHead(answer.status, { "content-type": type }).end(body);
  });
  return { ...(await listen(server)), lost: () => lost };
}
