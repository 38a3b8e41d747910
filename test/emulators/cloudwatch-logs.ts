import type { Identities } from "./requests/signature.ts";
import { type Answer, awsJson, startStandIn } from "./requests/stand-in.ts";

type Line = { stream: string; timestamp: number; message: string };
type Facts = { createdAtMs: number; retentionDays?: number };
type Asked = Record<string, unknown>;

/** What PutRetentionPolicy takes. */
const retentions = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3653];

/**
 * CloudWatch Logs, as far as log groups are listed, read, kept for a time and deleted, on a free port of this machine.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 *
 * Left out: every other operation, filter patterns, that lines expire, and that lines, and what is said of the last one, arrive
 * late.
 */
export async function startCloudWatchLogs({ region, identities }: { region: string; identities: Identities }) {
  const groups = new Map<string, Line[]>();
  const facts = new Map<string, Facts>();
  const ofAll: Record<string, (asked: Asked) => object> = {
    /** In order of names, and two a page, so that whoever wants all has to go on. */
    DescribeLogGroups: ({ logGroupNamePrefix = "", nextToken = "0" }) => {
      const names = [...groups.keys()].filter((name) => name.startsWith(String(logGroupNamePrefix))).sort();
      const from = Number(nextToken);
      const logGroups = names.slice(from, from + 2).map((logGroupName) => {
        const { createdAtMs = 0, retentionDays } = facts.get(logGroupName) ?? {};
        const kept = retentionDays === undefined ? {} : { retentionInDays: retentionDays };
        return { logGroupName, creationTime: createdAtMs, ...kept, storedBytes: 0 };
      });
      return { logGroups, ...(from + 2 < names.length && { nextToken: String(from + 2) }) };
    },
  };
  const ofGroup: Record<string, (asked: Asked, name: string) => object> = {
    DeleteLogGroup: (_asked, name) => {
      groups.delete(name);
      facts.delete(name);
      return {};
    },
    PutRetentionPolicy: ({ retentionInDays }, name) => {
      const known = facts.get(name);
      if (known) known.retentionDays = Number(retentionInDays);
      return {};
    },
    /** Only as it is asked for: by the time of the last line, the newest first. */
    DescribeLogStreams: ({ limit = 50 }, name) => {
      const last = new Map<string, number>();
      for (const { stream, timestamp } of groups.get(name) ?? [])
        last.set(stream, Math.max(timestamp, last.get(stream) ?? 0));
      const streams = [...last].sort(([, one], [, other]) => other - one).slice(0, Number(limit));
      return {
        logStreams: streams.map(([logStreamName, lastEventTimestamp]) => ({ logStreamName, lastEventTimestamp })),
      };
    },
    /** In order of time, and two a page, so that whoever wants the last ones has to go on. */
    FilterLogEvents: ({ startTime = 0, logStreamNamePrefix = "", nextToken = "0" }, name) => {
      const wanted = (groups.get(name) ?? [])
        .filter(
          ({ timestamp, stream }) => timestamp >= Number(startTime) && stream.startsWith(String(logStreamNamePrefix)),
        )
        .sort((one, other) => one.timestamp - other.timestamp);
      const from = Number(nextToken);
      const events = wanted.slice(from, from + 2).map(({ stream, ...line }) => ({ logStreamName: stream, ...line }));
      return { events, ...(from + 2 < wanted.length && { nextToken: String(from + 2) }) };
    },
  };
  const found = (body: object): Answer => ({ status: 200, body: JSON.stringify(body) });
  const service = await startStandIn({
    name: "logs",
    region,
    identities,
    ...awsJson("Logs_20140328"),
    answer({ operation, body }) {
      const asked = JSON.parse(body.toString()) as Asked;
      const name = String(asked.logGroupName);
      if (ofAll[operation]) return found(ofAll[operation](asked));
      const answer = ofGroup[operation];
      if (!answer) return { status: 400, code: "UnknownOperationException", message: operation };
      if (operation === "PutRetentionPolicy" && !retentions.includes(Number(asked.retentionInDays)))
        return { status: 400, code: "InvalidParameterException", message: "retentionInDays" };
      if (groups.has(name)) return found(answer(asked, name));
      return { status: 400, code: "ResourceNotFoundException", message: "The specified log group does not exist." };
    },
  });
  return {
    ...service,
    groups,
    /** Nothing was ever printed. */
    clear() {
      groups.clear();
      facts.clear();
    },
    /** Days for which a group keeps its lines; undefined for ever. */
    retentionOf: (group: string) => facts.get(group)?.retentionDays,
    /** A container prints lines; the first one makes the group. */
    print(group: string, stream: string, ...lines: string[]) {
      const known = groups.get(group) ?? [];
      if (!facts.has(group)) facts.set(group, { createdAtMs: Date.now() });
      groups.set(group, [...known, ...lines.map((message) => ({ stream, timestamp: Date.now(), message }))]);
    },
  };
}
