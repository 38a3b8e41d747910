import type { Usage } from "../../lib/contract/agent.ts";
import { type Problem, problem } from "../../lib/contract/errors.ts";
import type { StartOperation } from "../../lib/contract/worker.ts";
import { listPriceUsd, pricesDate } from "./prices.ts";

type Limits = Pick<StartOperation["limits"], "maxBudgetUsd" | "maxTokens">;
type BudgetOptions = {
  model: string | undefined;
  /** The program keeps to a limit in dollars by itself. */
  watchesCost: boolean;
  note(text: string): void;
};

const HINT =
  "limits.maxBudgetUsd and limits.maxTokens give it more; what it did so far is kept, and its conversation can go on";

/** Watches what an agent consumes against what its task may cost. */
export class Budget {
  readonly #limits: Limits;
  readonly #options: BudgetOptions;
  #hasNoted = false;

  constructor(limits: Limits, options: BudgetOptions) {
    this.#limits = limits;
    this.#options = options;
  }

  /** Why the agent has to end, once it has consumed more than it may. */
  exceededBy(usage: Usage): Problem | undefined {
    const { maxTokens, maxBudgetUsd } = this.#limits;
    const tokens = (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0);
    if (maxTokens !== undefined && tokens > maxTokens) {
      return problem("task.budget", `the agent has used ${tokens} tokens of at most ${maxTokens}`, {
        hint: HINT,
        details: { tokens, maxTokens },
      });
    }
    if (maxBudgetUsd === undefined || this.#options.watchesCost || tokens === 0) return undefined;
    const costUsd = usage.costUsd ?? this.#listPrice(usage);
    return costUsd !== undefined && costUsd > maxBudgetUsd ? budgetProblem(maxBudgetUsd, costUsd) : undefined;
  }

  #listPrice(usage: Usage): number | undefined {
    const model = usage.model ?? this.#options.model;
    const costUsd = model === undefined ? undefined : listPriceUsd(model, usage);
    if (costUsd === undefined && !this.#hasNoted) {
      this.#hasNoted = true;
      const what = model === undefined ? "the model is not known" : `the price of ${model} is not known`;
      this.#options.note(
        `${what} (prices of ${pricesDate}), so that maxBudgetUsd cannot be watched; limits.maxTokens bounds it`,
      );
    }
    return costUsd;
  }
}

/** More than it may cost was spent; `costUsd` as far as it is known. */
export function budgetProblem(maxBudgetUsd: number | undefined, costUsd: number | undefined): Problem {
  const spent = costUsd === undefined ? "" : `: it has spent $${round(costUsd)}`;
  const most = maxBudgetUsd === undefined ? "its budget" : `its budget of $${maxBudgetUsd}`;
  return problem("task.budget", `the agent has used up ${most}${spent}`, {
    hint: HINT,
    details: { ...(maxBudgetUsd !== undefined && { maxBudgetUsd }), ...(costUsd !== undefined && { costUsd }) },
  });
}

const round = (usd: number): number => Number(usd.toPrecision(3));
