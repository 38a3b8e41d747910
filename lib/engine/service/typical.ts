import { hasEnded, type Task } from "../../contract/task.ts";
import type { Typical } from "../../contract/tools/agents.ts";
import type { Ports } from "../ports.ts";

/** Tasks of the owner that are looked through, and how many of an agent's are counted, both the newest. */
const MAX_LOOKED_AT = 500;
const MAX_COUNTED = 50;
const PAGE = 100;
/** So many tell what is usual. */
const ENOUGH = 3;

/** Which tasks are an agent's own: those of its profile in its folder. */
export type AgentPlace = { name: string; workspace: string };

/**
 * What the last tasks of each agent took and cost, by name; without those that have not had enough of them. How long is
 * counted of those that succeeded, from the start of the job to its end.
 */
export async function typicalOf(
  { store }: Pick<Ports, "store">,
  owner: string,
  agents: readonly AgentPlace[],
): Promise<Map<string, Typical>> {
  const tasks = new Map(agents.map(({ name }) => [name, [] as Task[]]));
  const folders = new Map(agents.map(({ name, workspace }) => [name, workspace]));
  let cursor: string | undefined;
  for (let seen = 0; agents.length > 0 && seen < MAX_LOOKED_AT; seen += PAGE) {
    const page = await store.list(owner, { limit: PAGE, ...(cursor !== undefined && { cursor }) });
    for (const task of page.items) {
      const ofAgent = task.owner === owner && task.taskType === "agent.run" ? tasks.get(task.profile) : undefined;
      const isOwn = task.target.details?.workspace === folders.get(task.profile);
      if (ofAgent && isOwn && hasEnded(task) && ofAgent.length < MAX_COUNTED) ofAgent.push(task);
    }
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  return new Map([...tasks].flatMap(([name, own]) => summarize(own).map((typical) => [name, typical] as const)));
}

/** Nothing where there are too few. */
function summarize(tasks: readonly Task[]): Typical[] {
  const good = tasks.filter(({ status }) => status === "succeeded");
  const seconds = good.flatMap((task) => secondsOf(task) ?? []);
  if (seconds.length < ENOUGH) return [];
  const costs = good.flatMap(({ usage }) => (typeof usage?.costUsd === "number" ? [usage.costUsd] : []));
  return [
    {
      tasks: tasks.length,
      failed: tasks.filter(({ status }) => status === "failed").length,
      medianSeconds: percentile(seconds, 0.5),
      p90Seconds: percentile(seconds, 0.9),
      ...(costs.length >= ENOUGH && { medianCostUsd: percentile(costs, 0.5), p90CostUsd: percentile(costs, 0.9) }),
    },
  ];
}

function secondsOf({ phases, status }: Task): number | undefined {
  const from = Date.parse(phases.running ?? "");
  const to = Date.parse(phases.completing ?? phases[status] ?? "");
  return to >= from ? Math.round((to - from) / 100) / 10 : undefined;
}

/** The smallest value below or at which that share of them lies. https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
