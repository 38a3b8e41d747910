import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { encodeEvent, parseJson, readBody, sendJson } from "./agentcore/wire.ts";
import { listen } from "./requests/listen.ts";

/**
 * AgentCore's code interpreter and the sessions of its browser, on a free port of this machine.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_InvokeCodeInterpreter.html
 *
 * Left out: signatures, the code itself (each is answered with its own text), files, what a browser speaks, and time-outs.
 */
export async function startAgentCoreTools() {
  /** Sessions that were started and not stopped, with the longest time that they may live, in seconds. */
  const running = new Map<string, number>();
  const started: string[] = [];
  const server = createServer(async (request, response) => {
    const body = parseJson(await readBody(request)) as Record<string, unknown>;
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://emulator");
    if (pathname.endsWith("/sessions/start")) {
      const sessionId = randomUUID();
      running.set(sessionId, Number(body.sessionTimeoutSeconds));
      started.push(pathname.split("/")[1] ?? "");
      return sendJson(response, 200, { sessionId, createdAt: new Date().toISOString() });
    }
    if (pathname.endsWith("/sessions/stop")) {
      running.delete(searchParams.get("sessionId") ?? "");
      return sendJson(response, 200, {});
    }
    if (!pathname.endsWith("/tools/invoke")) return sendJson(response, 404, { message: pathname });
    const { code } = body.arguments as { code?: string };
    const result = { content: [{ type: "text", text: `ran: ${code}` }], isError: false };
    response.writeHead(200, { "content-type": "application/vnd.amazon.eventstream" });
    response.end(encodeEvent("result", result));
  });
  const { endpoint, close } = await listen(server);
  return { url: endpoint, running, started, [Symbol.asyncDispose]: close };
}
