import { randomUUID } from "node:crypto";
import { type ModelServer, type Provider, startModelServer, textOf } from "./model-server.ts";
import { type Answer, nextStep, type Turn, tokensOf } from "./script.ts";

type Tool = { name?: string; tools?: { name?: string }[] };
/** `tools` are those that a search has found. */
type Item = { type: string; role?: string; content?: unknown; tools?: Tool[] };

/**
 * OpenAI's Responses API, streamed: https://platform.openai.com/docs/api-reference/responses-streaming
 *
 * Left out: answers that are not streamed, reasoning, responses that are kept, and checks of what is sent.
 */
export const startOpenAi = (key: string): Promise<ModelServer> => startModelServer(openAi, key);

/** How OpenAI refuses, in each of its protocols. */
export const refusals = {
  unknownKey: {
    status: 401,
    body: {
      error: { type: "invalid_request_error", code: "invalid_api_key", message: "Incorrect API key provided." },
    },
  },
  noModel: (_path: string, { model }: Record<string, unknown>) => ({
    error: {
      type: "invalid_request_error",
      code: "model_not_found",
      message: `The model \`${model}\` does not exist or you do not have access to it.`,
    },
  }),
} satisfies Partial<Provider>;

const openAi: Provider = {
  keyOf: ({ authorization }) => authorization?.replace(/^Bearer /, ""),
  stepOf(path, body) {
    return path.endsWith("/responses") ? nextStep((body.input as Item[]).flatMap(turnOf)) : undefined;
  },
  eventsOf(answer, { model, tools = [], input: items }) {
    const { input, output, cached } = tokensOf(answer);
    const item = itemOf(answer, [...(tools as Tool[]), ...(items as Item[]).flatMap(({ tools: found = [] }) => found)]);
    const response = { id: `resp_${randomUUID()}`, object: "response", model };
    const usage = {
      input_tokens: input,
      input_tokens_details: { cached_tokens: cached },
      output_tokens: output,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: input + output,
    };
    return [
      { event: "response.created", data: { response: { ...response, status: "in_progress", output: [] } } },
      { event: "response.output_item.added", data: { output_index: 0, item } },
      ...("say" in answer
        ? [{ event: "response.output_text.delta", data: { output_index: 0, delta: answer.say } }]
        : []),
      { event: "response.output_item.done", data: { output_index: 0, item } },
      { event: "response.completed", data: { response: { ...response, status: "completed", output: [item], usage } } },
    ].map(({ event, data }) => ({ event, data: { type: event, ...data } }));
  },
  failure: (status, message) => ({ error: { type: errorTypes[status] ?? "server_error", code: null, message } }),
  ...refusals,
  limit: (resetsAt) => ({
    headers: {},
    body: {
      error: { type: "usage_limit_reached", message: "The usage limit has been reached", resets_at: resetsAt },
    },
  }),
  other: (path) => (path.endsWith("/models") ? { object: "list", data: [] } : undefined),
};

const errorTypes: Record<number, string> = { 400: "invalid_request_error" };

/** Each answer is one item, whatever kind; results of tools are nobody's turn. */
function turnOf({ type, role, content }: Item): Turn[] {
  if (/^(?:function|custom_tool|tool_search)_call$/.test(type) || role === "assistant")
    return [{ by: "model", text: "" }];
  return role === "user" ? [{ by: "user", text: textOf(content) }] : [];
}

function itemOf(answer: Answer, tools: readonly Tool[]): Record<string, unknown> {
  if ("say" in answer) {
    const content = [{ type: "output_text", text: answer.say, annotations: [] }];
    return { type: "message", id: `msg_${randomUUID()}`, role: "assistant", status: "completed", content };
  }
  const { tool, input } = "tool" in answer ? answer : { tool: "exec_command", input: { cmd: answer.run } };
  if (tool === "tool_search")
    return { type: "tool_search_call", call_id: `call_${randomUUID()}`, execution: "client", arguments: input };
  // The tools of an MCP server are in a namespace of their own.
  const namespace = tools.find((group) => group.tools?.some(({ name }) => name === tool))?.name;
  const call = {
    ...(namespace && { namespace }),
    id: `fc_${randomUUID()}`,
    call_id: `call_${randomUUID()}`,
    name: tool,
    status: "completed",
  };
  return { type: "function_call", ...call, arguments: JSON.stringify(input) };
}
