import { randomUUID } from "node:crypto";
import { type ModelServer, type Provider, startModelServer, textOf } from "./model-server.ts";
import { refusals } from "./openai.ts";
import { type Answer, nextStep, tokensOf } from "./script.ts";

type Message = { role: string; content: unknown };

/**
 * OpenAI's Chat Completions, streamed, which most services speak that call themselves compatible:
 * https://platform.openai.com/docs/api-reference/chat-streaming
 *
 * Left out: answers that are not streamed, several choices, log probabilities, and checks of what is sent.
 */
export const startOpenAiChat = (key: string): Promise<ModelServer> => startModelServer(openAiChat, key);

const openAiChat: Provider = {
  keyOf: ({ authorization }) => authorization?.replace(/^Bearer /, ""),
  stepOf(path, body) {
    if (!path.endsWith("/chat/completions")) return undefined;
    const messages = (body.messages as Message[]).filter(({ role }) => role !== "tool");
    return nextStep(
      messages.map(({ role, content }) => ({ by: role === "assistant" ? "model" : "user", text: textOf(content) })),
    );
  },
  eventsOf(answer, { model }) {
    const { input, output, cached } = tokensOf(answer);
    const chunk = { id: `chatcmpl-${randomUUID()}`, object: "chat.completion.chunk", created: 0, model };
    const usage = {
      prompt_tokens: input,
      prompt_tokens_details: { cached_tokens: cached },
      completion_tokens: output,
      total_tokens: input + output,
    };
    const reason = "say" in answer ? "stop" : "tool_calls";
    return [
      { data: { ...chunk, choices: [{ index: 0, delta: deltaOf(answer), finish_reason: null }] } },
      { data: { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: reason }] } },
      { data: { ...chunk, choices: [], usage } },
    ];
  },
  failure: (status, message) => ({
    error: { type: "invalid_request_error", code: errorCodes[status] ?? null, message },
  }),
  ...refusals,
  limit: () => ({
    headers: {},
    body: {
      error: {
        type: "insufficient_quota",
        code: "insufficient_quota",
        message: "You exceeded your current quota, please check your plan and billing details.",
      },
    },
  }),
};

const errorCodes: Record<number, string> = { 404: "model_not_found", 429: "rate_limit_exceeded" };

function deltaOf(answer: Answer): Record<string, unknown> {
  if ("say" in answer) return { role: "assistant", content: answer.say };
  const { tool, input } = "tool" in answer ? answer : { tool: "shell", input: { command: answer.run } };
  const call = { name: tool, arguments: JSON.stringify(input) };
  return {
    role: "assistant",
    tool_calls: [{ index: 0, id: `call_${randomUUID()}`, type: "function", function: call }],
  };
}
