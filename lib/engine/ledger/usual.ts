import type { LedgerEntry } from "../../contract/costs/ledger.ts";
import type { Typical } from "../../contract/tools/agents.ts";
import type { Ports } from "../ports.ts";
import { entriesOf } from "./entries.ts";
import { outcomesOf, percentile, secondsOf } from "./sum.ts";

/** Tasks of the owner that are looked through, and how many of an agent's are counted, both the newest. */
const MAX_LOOKED_AT = 500;
const MAX_COUNTED = 50;
/** So many tell what is usual. */
const ENOUGH = 3;

/** Which tasks are an agent's own: those of its profile in its folder, or in none. */
export type AgentPlace = { name: string; workspace?: string };

/**
 * What the last tasks of each agent took and cost, by name; without those that have not had enough of them. How long is
 * counted of those that succeeded, from the start of the job to its end.
 */
export async function usualOf(
  ports: Pick<Ports, "store">,
  owner: string,
  agents: readonly AgentPlace[],
): Promise<Map<string, Typical>> {
  const own = new Map(agents.map(({ name }) => [name, [] as LedgerEntry[]]));
  const folders = new Map(agents.map(({ name, workspace }) => [name, workspace]));
  if (agents.length > 0)
    for await (const entry of entriesOf(ports, owner, { sinceMs: 0, most: MAX_LOOKED_AT })) {
      const { taskType, profile, workspace } = entry;
      const ofAgent = taskType === "agent.run" && workspace === folders.get(profile) ? own.get(profile) : undefined;
      if (ofAgent && ofAgent.length < MAX_COUNTED) ofAgent.push(entry);
    }
  return new Map([...own].flatMap(([name, entries]) => summarize(entries).map((typical) => [name, typical] as const)));
}

/** Nothing where there are too few. */
function summarize(entries: readonly LedgerEntry[]): Typical[] {
  const good = entries.filter(({ status }) => status === "succeeded");
  const seconds = good.flatMap(({ ranMs }) => (ranMs === undefined ? [] : [secondsOf(ranMs)]));
  if (seconds.length < ENOUGH) return [];
  const costs = good.flatMap(({ costUsd }) => (costUsd === undefined ? [] : [costUsd]));
  return [
    {
      tasks: entries.length,
      failed: entries.filter(({ status }) => status === "failed").length,
      medianSeconds: percentile(seconds, 0.5),
      p90Seconds: percentile(seconds, 0.9),
      ...(costs.length >= ENOUGH && { medianCostUsd: percentile(costs, 0.5), p90CostUsd: percentile(costs, 0.9) }),
      ...outcomesOf(entries),
    },
  ];
}
