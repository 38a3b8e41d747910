import { failureOf } from "../../../aws/sdk-errors.ts";
import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";
import type { Placement } from "../../adapter.ts";
import type { Clients } from "../account/clients.ts";
import { fail, pass, reasonOf, type Within, warn } from "./checks.ts";

/** https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html */
const SERVICE = "bedrock-agentcore";
const sessions = { code: "L-3E5722B2", name: "active sessions per account" };
const agents = { code: "L-F4575653", name: "agents per account" };
/** Each is needed for a runtime of its own; some new accounts have 0 of them. */
const forRuntimes = [
  agents,
  { code: "L-9B442722", name: "endpoints per agent" },
  { code: "L-0A9E32B3", name: "size of an image" },
];

/** Fewer free places than this part of the quota are worth a word. */
const SCARCE = 0.1;
/** One page tells whether the quota is far away. */
const PAGE = 100;

/** Whether the account's quotas leave room for a task. What cannot be read is a warning: the task may run all the same. */
export async function quotaCheck(
  clients: Clients,
  { target }: Placement,
  region: string,
  within: Within,
): Promise<Check> {
  const needed = target.mode === "runtime" ? [...forRuntimes, sessions] : [sessions];
  try {
    const [values, runtimes] = await within(
      Promise.all([
        Promise.all(needed.map(async ({ code, name }) => ({ code, name, value: await read(clients, region, code) }))),
        target.mode === "runtime" ? count(clients, region).catch(() => undefined) : undefined,
      ]),
    );
    const none = values.filter(({ value }) => value === 0);
    if (none.length > 0) {
      const names = none.map(({ code, name }) => `${name} (${code})`).join(", ");
      return fail("quota", `a quota of AgentCore is 0 in ${region}: ${names}; ask AWS Support for an increase`);
    }
    const most = values.find(({ code }) => code === agents.code)?.value;
    if (runtimes !== undefined && most !== undefined) return headroom(runtimes, most, region);
    const known = values.filter(({ value }) => value !== undefined);
    if (known.length === 0) return warn("quota", `Service Quotas has no quotas of AgentCore in ${region}`);
    return pass("quota", known.map(({ name, value }) => `${name}: ${value}`).join(", "));
  } catch (error) {
    return warn("quota", `the quotas of AgentCore could not be read: ${reasonOf(error)}`);
  }
}

async function read(clients: Clients, region: string, code: string): Promise<number | undefined> {
  const { client, GetServiceQuotaCommand } = await clients.quotas(region);
  try {
    const { Quota } = await client.send(new GetServiceQuotaCommand({ ServiceCode: SERVICE, QuotaCode: code }));
    return Quota?.Value;
  } catch (error) {
    if (failureOf(error) === "missing") return undefined;
    throw error;
  }
}

async function count(clients: Clients, region: string): Promise<{ seen: number; isAll: boolean }> {
  const { client, ListAgentRuntimesCommand } = await clients.controlPlane(region);
  const { agentRuntimes = [], nextToken } = await client.send(new ListAgentRuntimesCommand({ maxResults: PAGE }));
  return { seen: agentRuntimes.length, isAll: nextToken === undefined };
}

function headroom({ seen, isAll }: { seen: number; isAll: boolean }, most: number, region: string): Check {
  const there = `${isAll ? seen : `${seen} or more`} of ${most} ${agents.name} in ${region}`;
  if (seen >= most)
    return fail("quota", `${there}: none is left for another; delete some, or ask for more of ${agents.code}`);
  if (most - seen <= most * SCARCE)
    return warn("quota", `${there}: few are left; delete some, or ask for more of ${agents.code}`);
  return pass("quota", there);
}
