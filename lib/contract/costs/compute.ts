import { prices } from "./prices.ts";

/** The machine of a session: https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html */
const SESSION_VCPUS = 2;
const SESSION_GB = 8;
/** Below it no second is billed: https://aws.amazon.com/bedrock/agentcore/pricing/ */
const LEAST_GB = 0.128;
const HOUR_SECONDS = 3600;

/**
 * What a session on AgentCore costs in US dollars for its seconds. AWS bills the CPU that is used and the memory at its peak, which nobody
 * but AWS knows: `least` is for a machine that only waits in the least memory that is billed, `most` for one whose CPUs are
 * all busy and whose memory is full. A runtime of version V2 costs more; those that are made for tasks are V1.
 *
 * @example sessionUsd(3600) // { least: 0.00121, most: 0.2546 }
 */
export function sessionUsd(seconds: number, version: "V1" | "V2" = "V1"): { least: number; most: number } {
  const cpuHour = version === "V1" ? prices.sessionCpuHour : prices.sessionCpuHourV2;
  const gbHour = version === "V1" ? prices.sessionGbHour : prices.sessionGbHourV2;
  const hours = Math.max(1, Math.ceil(seconds)) / HOUR_SECONDS;
  return {
    least: hours * LEAST_GB * gbHour.usd,
    most: hours * (SESSION_VCPUS * cpuHour.usd + SESSION_GB * gbHour.usd),
  };
}
