import { defined } from "../contract/json.ts";
import type { Typical } from "../contract/tools/agents.ts";

/** What is usual of it, under the names that the Python program agent-dispatch has. */
export const typicalThere = (typical: Typical) =>
  defined({
    dispatches: typical.tasks,
    median_seconds: typical.medianSeconds,
    p90_seconds: typical.p90Seconds,
    median_cost_usd: typical.medianCostUsd,
  });
