import type { Configuration } from "../configuration.ts";
import { prices } from "./prices.ts";

const HOURS_A_MONTH = 730;
/** What AgentCore bills of memory at least, and what a worker that waits may have used at most, in GB. */
const LEAST_GB = 0.125;
const MOST_GB = 1;

/**
 * What a month of sessions that are kept ready costs, in US dollars: their memory, since a machine whose processor waits is
 * not billed for that. https://aws.amazon.com/bedrock/agentcore/pricing/
 */
function warmCost(sessions: number): { least: number; most: number } {
  const ofGb = (gb: number) => sessions * gb * prices.sessionGbHour.usd * HOURS_A_MONTH;
  return { least: ofGb(LEAST_GB), most: ofGb(MOST_GB) };
}

/** The same in words. */
export function warmCostText(sessions: number): string {
  const { least, most } = warmCost(sessions);
  return (
    `${sessions === 1 ? "a session that is" : `${sessions} sessions that are`} kept ready around the clock ` +
    `cost${sessions === 1 ? "s" : ""} $${least.toFixed(2)} to $${most.toFixed(2)} a month for memory (0.125 to 1 GB each)`
  );
}

/** What the profiles of a configuration keep ready, and what that costs; a line each. */
export const warmCosts = ({ runtimes }: Configuration): string[] =>
  Object.entries(runtimes).flatMap(([name, { warm }]) =>
    warm === undefined ? [] : [`runtimes.${name}.warm: ${warmCostText(warm)}, also while no task uses any`],
  );
