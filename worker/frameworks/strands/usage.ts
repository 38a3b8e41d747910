import type { Usage as ModelUsage } from "@strands-agents/sdk";
import type { Usage } from "../../../lib/contract/agent.ts";
import type { AgentModel } from "./request.ts";

/** Adds up what the calls of one turn took. */
export class UsageSum {
  readonly #model: AgentModel;
  #usage = { inputTokens: 0, outputTokens: 0, cachedTokens: 0, turns: 0 };

  constructor(model: AgentModel) {
    this.#model = model;
  }

  add({ inputTokens, outputTokens, cacheReadInputTokens = 0, cacheWriteInputTokens = 0 }: ModelUsage): Usage {
    // Bedrock counts what came from the cache, or went there, beside the input; OpenAI within it.
    const beside = this.#model.provider === "bedrock" ? cacheReadInputTokens + cacheWriteInputTokens : 0;
    this.#usage.inputTokens += inputTokens + beside;
    this.#usage.outputTokens += outputTokens;
    this.#usage.cachedTokens += cacheReadInputTokens;
    this.#usage.turns += 1;
    return { ...this.#usage, model: this.#model.id };
  }
}
