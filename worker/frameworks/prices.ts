import type { Usage } from "../../lib/contract/agent.ts";
import table from "./prices.json" with { type: "json" };

/** In US dollars for a million tokens; `cached` are input tokens that were read from a cache. */
type Price = { readonly input: number; readonly cached: number; readonly output: number };

const prices: Readonly<Record<string, Price>> = table.models;

/** The day on which the prices were looked up. */
export const pricesDate: string = table.date;

/**
 * What a model's tokens cost by its list price, in US dollars; undefined for a model that is not in the table.
 *
 * @example listPriceUsd("us.anthropic.claude-haiku-4-5-20251001-v1:0", { inputTokens: 1_000_000 }) // 1
 */
export function listPriceUsd(model: string, usage: Usage): number | undefined {
  const price = priceOf(model);
  if (!price) return undefined;
  const { inputTokens = 0, outputTokens = 0, cachedTokens = 0 } = usage;
  const fresh = Math.max(0, inputTokens - cachedTokens);
  return (fresh * price.input + cachedTokens * price.cached + outputTokens * price.output) / 1_000_000;
}

/** Before the name there may be a region and a provider, after it a date or a version, which change nothing. */
function priceOf(model: string): Price | undefined {
  const name = model
    .toLowerCase()
    .replace(/^.*\//, "")
    .replace(/^(?:(?:us|eu|apac|jp|au|ca|us-gov|global)\.)?(?:anthropic|amazon|openai)\./, "");
  const plain = name.replace(/(?:[-@]\d{8}|-\d{4}-\d{2}-\d{2}|-latest)?(?:-v\d+)?(?::\d+)?(?:\[\w+\])?$/, "");
  return [name, plain].map((key) => (Object.hasOwn(prices, key) ? prices[key] : undefined)).find((price) => price);
}
