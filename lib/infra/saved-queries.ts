/** A question to the logs of the functions, as CloudWatch Logs Insights takes it. */
export type SavedQuery = { name: string; lines: readonly string[] };

/** Stands in queries for what is asked about: replace it before the query is run. */
export const exampleTask = `task_${"0".repeat(32)}`;
export const exampleTrace = "0".repeat(32);

/**
 * What an operator asks, by the fields of the lines: `decision` and what belongs to it, `step`, `taskId`, `owner`, `traceId`.
 * docs/OPERATIONS.md explains each, under the same name.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
 */
export const savedQueries: readonly SavedQuery[] = [
  {
    name: "A task's story",
    lines: [
      "fields @timestamp, step, decision, message, from, to, code, ms, obligation",
      `filter taskId = "${exampleTask}" and ispresent(message)`,
      "sort @timestamp asc",
      "limit 1000",
    ],
  },
  {
    name: "A trace",
    lines: [
      "fields @timestamp, taskId, step, decision, message, code, ms",
      `filter traceId = "${exampleTrace}"`,
      "sort @timestamp asc",
      "limit 1000",
    ],
  },
  {
    name: "Outcomes",
    lines: [
      'filter decision = "ended"',
      "fields coalesce(code, to) as outcome",
      "stats count(*) as tasks, pct(totalMs, 50) as p50, pct(totalMs, 95) as p95 by outcome",
      "sort tasks desc",
    ],
  },
  {
    name: "Phases",
    lines: [
      'filter decision in ["moved", "ended"]',
      "stats count(*) as tasks, pct(ms, 50) as p50, pct(ms, 95) as p95, max(ms) as longest by from",
      "sort p95 desc",
    ],
  },
  {
    name: "First events",
    lines: [
      'filter decision = "first_event"',
      "stats count(*) as tasks, pct(ms, 50) as p50, pct(ms, 95) as p95 by bin(1h)",
    ],
  },
  {
    name: "Errors",
    lines: [
      "fields @timestamp, level, step, taskId, message, error",
      'filter level in ["WARN", "ERROR"]',
      "sort @timestamp desc",
      "limit 200",
    ],
  },
  {
    name: "Steps",
    lines: [
      'filter decision = "stepped"',
      "stats count(*) as times, pct(ms, 50) as p50, pct(ms, 95) as p95, max(ms) as longest by step, code",
      "sort step asc",
    ],
  },
  {
    name: "Owners",
    lines: ['filter decision = "dispatched"', "stats count(*) as tasks by owner", "sort tasks desc", "limit 50"],
  },
  {
    name: "Queues",
    lines: ['filter decision = "queued"', "stats max(depth) as deepest by owner, bin(15m)"],
  },
  {
    name: "Recoveries",
    lines: [
      'filter decision = "recovered"',
      "stats count(*) as times, max(attempt) as attempts, max(ms) as latest by taskId, status",
      "sort attempts desc",
      "limit 200",
    ],
  },
  {
    name: "Left behind",
    lines: [
      'filter decision = "found"',
      "stats count(*) as times, latest(name) as example, max(@timestamp) as last by thing",
      "sort times desc",
    ],
  },
  {
    name: "What is owed",
    lines: [
      'filter decision in ["owed", "settled"]',
      "stats latest(decision) as last, latest(obligation) as what, max(@timestamp) as since by taskId",
      'filter last = "owed"',
      "sort since asc",
    ],
  },
];
