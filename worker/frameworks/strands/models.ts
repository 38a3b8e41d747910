import { BedrockModel, type Model } from "@strands-agents/sdk";
import { RefusedError } from "../../../lib/contract/errors.ts";
import type { AgentModel } from "./request.ts";

/** How often the client of a service sends one request before the agent's own patience begins. */
const ATTEMPTS = 2;
/** Silence after which a model's answer counts as lost, in milliseconds: thinking can be silent for long. */
const SILENCE_MS = 300_000;

/**
 * The model of an agent, with the credentials of this process: on Bedrock those that the AWS SDK finds, for an
 * OpenAI-compatible service `OPENAI_API_KEY`. Throws RefusedError where there is nothing to ask it with.
 */
export async function openModel(model: AgentModel): Promise<Model> {
  const limit = model.maxTokens === undefined ? {} : { maxTokens: model.maxTokens };
  if (model.provider === "bedrock") {
    const region = model.region ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? regionOf(model.id);
    if (region === undefined)
      throw new RefusedError("task.model_unavailable", "it is not known in which AWS region the model is to be asked", {
        hint: "set AWS_REGION in the environment of the backend's details, or give the model as {id, region}",
      });
    return new BedrockModel({
      ...limit,
      modelId: model.id,
      region,
      requestTimeout: SILENCE_MS,
      clientConfig: { maxAttempts: ATTEMPTS },
      // What an agent sends is mostly what it sent before: read from the cache it costs a tenth.
      ...(/anthropic|claude/.test(model.id) && { cacheConfig: { strategy: "auto" } }),
    });
  }
  // Never from the task: whoever chose it would choose where the key is sent.
  const { OPENAI_API_KEY: key, OPENAI_BASE_URL: baseURL } = process.env;
  if (!key && !baseURL)
    throw new RefusedError("task.auth", "there is no key for OpenAI: OPENAI_API_KEY is not set", {
      hint: "set OPENAI_API_KEY in the environment of the backend's details",
    });
  const { OpenAIModel } = await import("@strands-agents/sdk/models/openai");
  return new OpenAIModel({
    ...limit,
    api: model.api,
    modelId: model.id,
    // A service of one's own may want none, and the client wants one.
    apiKey: key || "none",
    clientConfig: { maxRetries: ATTEMPTS - 1, timeout: SILENCE_MS, ...(baseURL && { baseURL }) },
  });
}

/** The region that the ARN of a model names. */
const regionOf = (id: string): string | undefined => /^arn:[^:]+:bedrock:([a-z0-9-]+):/.exec(id)?.[1];
