import type { Pace } from "../../backends/inventory.ts";

type Options = {
  /** Requests that are sent in a second; so many may be sent at once. */
  perSecond: number;
  /** Whether there is time for another. */
  mayGoOn: () => boolean;
  /** Milliseconds on a clock that nobody can set. */
  steady: () => number;
  /** Resolves after so many milliseconds; default as they pass. */
  wait?: (ms: number) => Promise<unknown>;
};

const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * A pace that leaves most of an API's rate to those who work: AgentCore takes 50 changes, 150 reads and 25 lists a second of
 * a whole account, CloudWatch Logs ten of each.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
 */
export function paceOf({ perSecond, mayGoOn, steady, wait = pass }: Options): Pace {
  let freeAtMs = Number.NEGATIVE_INFINITY;
  return async () => {
    if (!mayGoOn()) return false;
    const nowMs = steady();
    // What was not used in the second before may be used now.
    const atMs = Math.max(freeAtMs, nowMs - 1000) + 1000 / perSecond;
    freeAtMs = atMs;
    if (atMs > nowMs) await wait(atMs - nowMs);
    return mayGoOn();
  };
}
