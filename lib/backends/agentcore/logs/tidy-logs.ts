import type { LogGroup } from "@aws-sdk/client-cloudwatch-logs";
import type { FoundLog, Pace } from "../../inventory.ts";
import type { Logs } from "../account/clients.ts";
import { LOG_GROUPS } from "../place.ts";
import { isNotFound } from "../problems.ts";

type Options = {
  /** What the names of the runtimes begin with whose groups are removed. */
  prefix: string;
  /** Of a runtime whose groups are bounded, and not removed. */
  keptId?: string | undefined;
  /** For how long the group of a runtime that is gone is kept after its last line. */
  keepDays: number;
  /** For how long a line is kept. */
  retentionDays: number;
  /** Ids of the runtimes that there are. */
  liveIds: () => Promise<ReadonlySet<string>>;
  /** Epoch milliseconds. */
  now: () => number;
};

const DAY_MS = 86_400_000;
/** What CloudWatch Logs says of the last line may be an hour late, and a runtime may be missing from its list at first. */
const LATE_MS = 3_600_000;

/**
 * Removes the log groups of runtimes that are gone, some time after their last line, and bounds how long the lines of others are
 * kept, which AgentCore leaves open. The oldest first. Throws what the SDK throws.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
 */
export async function* tidyLogs(logs: Logs, options: Options, pace: Pace): AsyncGenerator<FoundLog> {
  const { prefix, keptId, keepDays, retentionDays, now } = options;
  const { client, PutRetentionPolicyCommand, DeleteLogGroupCommand } = logs;
  const isOld = (ms: number | undefined) => ms !== undefined && ms <= now() - Math.max(keepDays * DAY_MS, LATE_MS);
  const groups = await groupsOf(logs, [prefix, ...(keptId === undefined ? [] : [keptId])], pace);
  const oldRuntime = ({ logGroupName = "", creationTime }: LogGroup) =>
    isOld(creationTime) && runtimeIn(logGroupName)?.startsWith(prefix) ? runtimeIn(logGroupName) : undefined;
  // Read after the groups: whoever made a group that is there was there by then.
  const live = groups.some(oldRuntime) ? await options.liveIds() : new Set<string>();
  for (const group of groups) {
    const { logGroupName = "", creationTime, retentionInDays } = group;
    const runtime = oldRuntime(group);
    if (!(await pace())) return;
    if (runtime !== undefined && !live.has(runtime)) {
      if (!isOld((await lastLineMs(logs, logGroupName)) ?? creationTime) || !(await pace())) continue;
      await client.send(new DeleteLogGroupCommand({ logGroupName })).catch(unlessGone);
      yield { thing: "old_log", name: logGroupName };
    } else if (retentionInDays === undefined) {
      const bounded = { logGroupName, retentionInDays: retentionDays };
      await client.send(new PutRetentionPolicyCommand(bounded)).catch(unlessGone);
      yield { thing: "endless_log", name: logGroupName };
    }
  }
}

/** The oldest first. */
async function groupsOf({ client, paginateDescribeLogGroups }: Logs, beginnings: string[], pace: Pace) {
  const groups: LogGroup[] = [];
  for (const beginning of beginnings) {
    const asked = { logGroupNamePrefix: `${LOG_GROUPS}${beginning}` };
    for await (const { logGroups = [] } of paginateDescribeLogGroups({ client, pageSize: 50 }, asked)) {
      groups.push(...logGroups);
      if (!(await pace())) break;
    }
  }
  return groups.sort((one, other) => (one.creationTime ?? 0) - (other.creationTime ?? 0));
}

/** When the group's last line was written, as far as that is known. */
async function lastLineMs(
  { client, DescribeLogStreamsCommand }: Logs,
  logGroupName: string,
): Promise<number | undefined> {
  const newest = { logGroupName, orderBy: "LastEventTime", descending: true, limit: 1 } as const;
  try {
    const { logStreams = [] } = await client.send(new DescribeLogStreamsCommand(newest));
    return logStreams[0]?.lastEventTimestamp ?? logStreams[0]?.creationTime;
  } catch (error) {
    unlessGone(error);
    return undefined;
  }
}

/** The id of the runtime whose group it is: what follows is the name of an endpoint. */
const runtimeIn = (group: string): string | undefined =>
  /^(\w+-[A-Za-z0-9]{10})-/.exec(group.slice(LOG_GROUPS.length))?.[1];

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}
