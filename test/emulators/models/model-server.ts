import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { listen } from "../requests/listen.ts";
import { type Answer, readIn, type Step } from "./script.ts";

type Json = Record<string, unknown>;

/** One request to a model, as it arrived. */
export type ModelRequest = { path: string; headers: IncomingMessage["headers"]; body: Json };

export type ModelServer = AsyncDisposable & {
  url: string;
  /** Every request, in order, refused ones too. */
  requests: ModelRequest[];
  /** How many requests were held so far. */
  readonly held: number;
};

/** How one provider speaks. */
export type Provider = {
  /** The key that a request shows. */
  keyOf(headers: IncomingMessage["headers"]): string | undefined;
  /** The step that is asked for, or undefined for a request that is none for a model. */
  stepOf(path: string, body: Json): Step | undefined;
  /** The events of a streamed answer. */
  eventsOf(answer: Answer, body: Json): { event?: string; data: Json }[];
  /** The answer to a request with another key. */
  unknownKey: { status: number; body: Json };
  /** The answer, with 404, to a request for a model that there is not. */
  noModel(path: string, body: Json): Json;
  failure(status: number, message: string): Json;
  limit(resetsAt: number): { headers: Record<string, string>; body: Json };
  /** Answers to other requests. */
  other?(path: string, body: Json): Json | undefined;
};

/** A provider of models on a free port of this machine, which takes one key and answers as the prompts' scripts say. */
export async function startModelServer(provider: Provider, key: string): Promise<ModelServer> {
  const requests: ModelRequest[] = [];
  let held = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? "/";
    const body = request.method === "POST" ? ((await json(request)) as Json) : {};
    requests.push({ path, headers: request.headers, body });
    if (provider.keyOf(request.headers) !== key)
      return send(response, provider.unknownKey.status, provider.unknownKey.body);
    const refuse = (status: number, message: string) => send(response, status, provider.failure(status, message));
    const next = provider.stepOf(path, body);
    if (!next) {
      const other = provider.other?.(path, body);
      return other ? send(response, 200, other) : refuse(404, `no such path: ${path}`);
    }
    const step = readIn(next, body);
    if ("hang" in step) {
      held++;
      return;
    }
    if ("noModel" in step) return send(response, 404, provider.noModel(path, body));
    if ("fail" in step) return refuse(step.fail, step.message ?? "as the script says");
    if ("limit" in step) {
      const limit = provider.limit(step.limit.resetsAt);
      return send(response, 429, limit.body, limit.headers);
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const { event, data } of provider.eventsOf(step, body))
      response.write(`${event ? `event: ${event}\n` : ""}data: ${JSON.stringify(data)}\n\n`);
    response.end();
  };
  const server = createServer((request, response) => {
    // What is wrong with a script is said to whoever asked.
    answer(request, response).catch((error) => send(response, 400, provider.failure(400, String(error))));
  });
  const { endpoint, close } = await listen(server);
  return {
    url: endpoint,
    requests,
    get held() {
      return held;
    },
    [Symbol.asyncDispose]: close,
  };
}

function send(response: ServerResponse, status: number, body: Json, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** Texts of a message's parts, joined; whatever has none is left out. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: { text?: unknown }) => (typeof part.text === "string" ? part.text : "")).join("\n");
}
