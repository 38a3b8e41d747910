/** An AG-UI agent made with its official encoder, as a container runs it. Its prompt says how its run ends. */
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { EventEncoder } from "@ag-ui/encoder";

createServer(async (request, response) => {
  if (request.url === "/ping") return response.end('{"status":"Healthy"}');
  const { threadId, runId, messages } = await json(request);
  const prompt = messages.at(-1).content;
  const encoder = new EventEncoder();
  const send = (event) => response.write(encoder.encodeSSE(event));
  response.writeHead(200, { "content-type": "text/event-stream" });
  send({ type: "RUN_STARTED", threadId, runId });
  for (const [messageId, deltas] of [
    ["m1", ["I look", " it up."]],
    ["m2", ["It is", " 42."]],
  ]) {
    send({ type: "TEXT_MESSAGE_START", messageId, role: "assistant" });
    for (const delta of deltas) send({ type: "TEXT_MESSAGE_CONTENT", messageId, delta });
    send({ type: "TEXT_MESSAGE_END", messageId });
  }
  if (prompt.includes("break off")) return response.end();
  const interrupts = [{ id: "i1", reason: "approval", message: "May I?" }];
  const result = prompt.includes("result") ? { answer: 42 } : undefined;
  if (prompt.includes("error")) send({ type: "RUN_ERROR", message: "out of tokens", code: "limit" });
  else if (prompt.includes("interrupt"))
    send({ type: "RUN_FINISHED", threadId, runId, outcome: { type: "interrupt", interrupts } });
  else send({ type: "RUN_FINISHED", threadId, runId, result, outcome: { type: "success" } });
  response.end();
}).listen(Number(process.env.PORT), "127.0.0.1");
