import { type ModelServer, type Provider, startModelServer, textOf } from "./model-server.ts";
import { type Answer, nextStep, offeredAs, tokensOf } from "./script.ts";

type Content = { role: string; parts: unknown };
type Tool = { functionDeclarations?: { name: string }[] };

/**
 * The Gemini API's `streamGenerateContent`: https://ai.google.dev/api/generate-content
 *
 * Left out: answers that are not streamed (but for the choice of a model), caching, files, thoughts, safety, and checks of
 * what is sent.
 */
export const startGemini = (key: string): Promise<ModelServer> => startModelServer(gemini, key);

const gemini: Provider = {
  keyOf: ({ "x-goog-api-key": key }) => key as string | undefined,
  stepOf(path, body) {
    if (!path.includes(":streamGenerateContent")) return undefined;
    return nextStep(
      (body.contents as Content[]).map(({ role, parts }) => ({
        by: role === "model" ? "model" : "user",
        text: textOf(parts),
      })),
    );
  },
  eventsOf(answer, { tools = [] }) {
    const { input, output, cached } = tokensOf(answer);
    return [
      {
        data: {
          candidates: [
            { content: { role: "model", parts: [partOf(answer, tools as Tool[])] }, finishReason: "STOP", index: 0 },
          ],
          usageMetadata: {
            promptTokenCount: input,
            candidatesTokenCount: output,
            cachedContentTokenCount: cached,
            totalTokenCount: input + output,
          },
        },
      },
    ];
  },
  failure: (status, message) => ({ error: { code: status, message, status: statusNames[status] ?? "INTERNAL" } }),
  unknownKey: {
    status: 400,
    body: {
      error: {
        code: 400,
        message: "API key not valid. Please pass a valid API key.",
        status: "INVALID_ARGUMENT",
        details: [
          {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            reason: "API_KEY_INVALID",
            domain: "googleapis.com",
          },
        ],
      },
    },
  },
  noModel: (path) => ({
    error: {
      code: 404,
      message: `${/models\/[^:]+/.exec(path)?.[0]} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.`,
      status: "NOT_FOUND",
    },
  }),
  limit: () => ({
    headers: {},
    body: {
      error: {
        code: 429,
        status: "RESOURCE_EXHAUSTED",
        message: "You exceeded your current quota, please check your plan and billing details.",
        details: [
          {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" }],
          },
        ],
      },
    },
  }),
  // Which model a request is for, and how long a prompt is, are asked for beside the answer itself.
  other(path) {
    if (path.includes(":countTokens")) return { totalTokens: 10 };
    if (!path.includes(":generateContent")) return undefined;
    const text = JSON.stringify({ complexity_reasoning: "as good as any", complexity_score: 10 });
    return {
      candidates: [{ content: { role: "model", parts: [{ text }] }, finishReason: "STOP", index: 0 }],
      usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
    };
  },
};

const statusNames: Record<number, string> = {
  400: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
};

function partOf(answer: Answer, tools: readonly Tool[]): Record<string, unknown> {
  if ("say" in answer) return { text: answer.say };
  const offered = tools.flatMap(({ functionDeclarations = [] }) => functionDeclarations.map(({ name }) => name));
  if ("tool" in answer) return { functionCall: { name: offeredAs(answer.tool, offered), args: answer.input } };
  return { functionCall: { name: "run_shell_command", args: { command: answer.run, description: "as scripted" } } };
}
