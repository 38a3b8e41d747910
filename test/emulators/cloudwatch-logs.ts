import type { Identities } from "./requests/signature.ts";
import { awsJson, startStandIn } from "./requests/stand-in.ts";

type Line = { stream: string; timestamp: number; message: string };

/**
 * CloudWatch Logs, as far as log groups are read and deleted, on a free port of this machine.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
 *
 * Left out: every other operation, filter patterns, streams of their own, retention, and that lines arrive seconds late.
 */
export async function startCloudWatchLogs({ region, identities }: { region: string; identities: Identities }) {
  const groups = new Map<string, Line[]>();
  const answers = {
    DeleteLogGroup: (_asked: Record<string, unknown>, name: string) => {
      groups.delete(name);
      return {};
    },
    /** In order of time, and two a page, so that whoever wants the last ones has to go on. */
    FilterLogEvents: (
      { startTime = 0, logStreamNamePrefix = "", nextToken = "0" }: Record<string, unknown>,
      name: string,
    ) => {
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
  const service = await startStandIn({
    name: "logs",
    region,
    identities,
    ...awsJson("Logs_20140328"),
    answer({ operation, body }) {
      const asked = JSON.parse(body.toString()) as Record<string, unknown>;
      const name = String(asked.logGroupName);
      if (!Object.hasOwn(answers, operation))
        return { status: 400, code: "UnknownOperationException", message: operation };
      if (!groups.has(name))
        return { status: 400, code: "ResourceNotFoundException", message: "The specified log group does not exist." };
      return { status: 200, body: JSON.stringify(answers[operation as keyof typeof answers](asked, name)) };
    },
  });
  return {
    ...service,
    groups,
    /** A container prints lines; the first one makes the group. */
    print(group: string, stream: string, ...lines: string[]) {
      const known = groups.get(group) ?? [];
      groups.set(group, [...known, ...lines.map((message) => ({ stream, timestamp: Date.now(), message }))]);
    },
  };
}
