import { randomUUID } from "node:crypto";
import { type ModelServer, type Provider, startModelServer, textOf } from "./model-server.ts";
import { type Answer, nextStep, offeredAs, tokensOf } from "./script.ts";

type Messages = { messages: { role: string; content: unknown }[]; model: string; tools?: { name: string }[] };
type Event = { event: string; data: Record<string, unknown> };

/**
 * Anthropic's Messages API, streamed: https://platform.claude.com/docs/en/build-with-claude/streaming
 *
 * Left out: answers that are not streamed, batches, files, thinking, caching, and checks of what is sent.
 */
export const startAnthropic = (key: string): Promise<ModelServer> => startModelServer(anthropic, key);

const anthropic: Provider = {
  keyOf: ({ "x-api-key": key, authorization }) => (key as string | undefined) ?? authorization?.replace(/^Bearer /, ""),
  stepOf(path, body) {
    if (!/\/messages(\?|$)/.test(path)) return undefined;
    const { messages } = body as Messages;
    return nextStep(
      messages.map(({ role, content }) => ({ by: role === "assistant" ? "model" : "user", text: textOf(content) })),
    );
  },
  eventsOf(answer, body) {
    const { model, tools = [] } = body as Messages;
    const { input, output, cached } = tokensOf(answer);
    const block = blockOf(answer, new Set(tools.map(({ name }) => name)));
    const usage = { input_tokens: input, output_tokens: 1, cache_read_input_tokens: cached };
    const message = { id: `msg_${randomUUID()}`, type: "message", role: "assistant", model, content: [], usage };
    return [
      { event: "message_start", data: { message: { ...message, stop_reason: null } } },
      { event: "content_block_start", data: { index: 0, content_block: block.start } },
      { event: "content_block_delta", data: { index: 0, delta: block.delta } },
      { event: "content_block_stop", data: { index: 0 } },
      {
        event: "message_delta",
        data: { delta: { stop_reason: block.reason, stop_sequence: null }, usage: { output_tokens: output } },
      },
      { event: "message_stop", data: {} },
    ].map(({ event, data }): Event => ({ event, data: { type: event, ...data } }));
  },
  failure: (status, message) => ({ type: "error", error: { type: errorTypes[status] ?? "api_error", message } }),
  unknownKey: {
    status: 401,
    body: { type: "error", error: { type: "authentication_error", message: "invalid x-api-key" } },
  },
  noModel: (_path, { model }) => ({
    type: "error",
    error: { type: "not_found_error", message: `model: ${model}` },
  }),
  limit: (resetsAt) => ({
    headers: {
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": String(resetsAt),
      "anthropic-ratelimit-unified-representative-claim": "five_hour",
      "retry-after": "3600",
    },
    body: { type: "error", error: { type: "rate_limit_error", message: "This request would exceed your limit" } },
  }),
  other: (path) => (path.includes("/count_tokens") ? { input_tokens: 10 } : undefined),
};

const errorTypes: Record<number, string> = {
  400: "invalid_request_error",
  429: "rate_limit_error",
  529: "overloaded_error",
};

/** Claude Code's tool for commands has a capital letter, that of opencode does not. */
function blockOf(answer: Answer, tools: ReadonlySet<string>) {
  if ("say" in answer)
    return {
      start: { type: "text", text: "" },
      delta: { type: "text_delta", text: answer.say },
      reason: "end_turn",
    };
  const { tool, input } =
    "tool" in answer
      ? { ...answer, tool: offeredAs(answer.tool, [...tools]) }
      : {
          tool: tools.has("bash") ? "bash" : "Bash",
          input: { command: answer.run, description: "as the script says" },
        };
  return {
    start: { type: "tool_use", id: `toolu_${randomUUID().replaceAll("-", "")}`, name: tool, input: {} },
    delta: { type: "input_json_delta", partial_json: JSON.stringify(input) },
    reason: "tool_use",
  };
}
