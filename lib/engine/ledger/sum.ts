import type { LedgerEntry } from "../../contract/costs/ledger.ts";
import { defined } from "../../contract/json.ts";
import type { Usage } from "../../contract/tools/usage.ts";

const counted = ["inputTokens", "outputTokens", "cachedTokens", "turns", "costUsd"] as const;

/** What these tasks took and cost, together. */
export function sumOf(entries: readonly LedgerEntry[]): Usage {
  const of = (status: LedgerEntry["status"]) => entries.filter((entry) => entry.status === status);
  const sums = counted.map((name) => [name, rounded(entries.reduce((sum, entry) => sum + (entry[name] ?? 0), 0))]);
  const seconds = of("succeeded").flatMap(({ ranMs }) => (ranMs === undefined ? [] : [secondsOf(ranMs)]));
  return {
    tasks: entries.length,
    succeeded: of("succeeded").length,
    failed: of("failed").length,
    cancelled: of("cancelled").length,
    ...outcomesOf(entries),
    ...(Object.fromEntries(sums) as Pick<Usage, (typeof counted)[number]>),
    costTold: entries.filter(({ costUsd }) => costUsd !== undefined).length,
    ...estimateOf(entries),
    ...(seconds.length > 0 && {
      medianSeconds: percentile(seconds, 0.5),
      p90Seconds: percentile(seconds, 0.9),
      maxSeconds: percentile(seconds, 1),
    }),
  };
}

/** How far agents said that they came; nothing where none has. */
export function outcomesOf(entries: readonly LedgerEntry[]): Pick<Usage, "outcomes"> {
  const many = (outcome: LedgerEntry["outcome"]) =>
    entries.filter((entry) => entry.outcome === outcome).length || undefined;
  const outcomes = defined({ done: many("done"), partial: many("partial"), needs_input: many("needs_input") });
  return Object.keys(outcomes).length > 0 ? { outcomes } : {};
}

function estimateOf(entries: readonly LedgerEntry[]): Pick<Usage, "estimate"> {
  const guessed = entries.flatMap(({ estimate }) => (estimate ? [estimate] : []));
  const [first] = guessed;
  if (!first) return {};
  const sum = (of: (guess: NonNullable<LedgerEntry["estimate"]>) => number | undefined) =>
    rounded(guessed.reduce((all, guess) => all + (of(guess) ?? 0), 0));
  return {
    estimate: {
      controlPlaneUsd: sum(({ controlPlaneUsd }) => controlPlaneUsd),
      computeUsdAtMost: sum(({ computeUsdAtMost }) => computeUsdAtMost),
      pricesOf: guessed.map(({ pricesOf }) => pricesOf).reduce((a, b) => (a < b ? a : b)),
      estimated: true,
    },
  };
}

/** A span in seconds, to a tenth. */
export const secondsOf = (ms: number): number => Math.round(ms / 100) / 10;

/** To a millionth: sums of dollars have a tail that nobody counted. */
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

/**
 * The smallest value below or at which that share of them lies.
 * https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
