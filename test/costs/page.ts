import { sessionUsd } from "../../lib/contract/costs/compute.ts";
import { prices, pricesDate } from "../../lib/contract/costs/prices.ts";
import { RETENTION_DAYS } from "../../lib/contract/task.ts";
import { functionMemory, stepMemory } from "../../lib/infra/function-memory.ts";
import type { CountedTask } from "./count.ts";
import { type Counts, HOURS, LONG, SHORT, TYPICAL_MINUTES } from "./counts.ts";
import { costOfTask, taskAmong } from "./lengths.ts";
import { assumptions, type Bill, billOf, functionLogBytes, logUsd, totalOf, workUsd } from "./price.ts";
import { assumed, type Target, targets } from "./virtual-cloud.ts";

const headings: Readonly<Record<Target, string>> = {
  session: "`session`",
  reused: "`runtime`, reused",
  own: "`runtime`, `reuse: false`",
};
const services: Readonly<Record<keyof Bill, string>> = {
  transitions: "Step Functions: transitions",
  waiting: "Lambda: waiting for the worker",
  working: "Lambda: everything else",
  tableUnits: "DynamoDB: reads and writes",
  logs: "CloudWatch: logs",
  api: "API Gateway: requests",
  traces: "X-Ray: traces, if all are sampled",
  files: "S3: requests for one file",
  kept: "DynamoDB: what is kept of it",
};
const HOURS_OF_MONTH = 730;
/** The alarms read so many metrics: `test/infra/alarms.test.ts`. */
const ALARM_METRICS = 10;
const IMAGE_GB = 1;

const usd = (amount: number, digits = 4): string => `$${amount.toFixed(digits)}`;
const cents = (amount: number): string => usd(amount, amount < 0.01 ? 5 : amount < 0.1 ? 3 : 2);
const row = (...cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [row(...head), row(...head.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map((each) => row(...each))].join("\n");

/** docs/COSTS.md, of what was counted. */
export function page(counts: Counts): string {
  const taskOf = (minutes: number, target: Target, waits = false) => taskAmong(counts.tasks, minutes, target, waits);
  const costOf = (...of: Parameters<typeof taskOf>) => costOfTask(counts.tasks, ...of);

  const lengths = table(
    ["Minutes", ...targets.map((target) => headings[target]), "the session, at least", "at most", "history"],
    [...SHORT, ...LONG].map((minutes) => {
      const { least, most } = sessionUsd(minutes * 60);
      const { history } = taskOf(minutes, "session");
      return [minutes, ...targets.map((target) => usd(costOf(minutes, target))), cents(least), cents(most), history];
    }),
  );
  const bills = [...targets.map((target) => taskOf(TYPICAL_MINUTES, target)), taskOf(TYPICAL_MINUTES, "reused", true)];
  const priced = bills.map(billOf);
  const parts = table(
    ["For", ...targets.map((target) => headings[target]), "reused, while a caller waits"],
    [
      ...(Object.keys(services) as (keyof Bill)[]).map((part) => [
        services[part],
        ...priced.map((bill) => usd(bill[part], 6)),
      ]),
      ["**together**", ...priced.map((bill) => `**${usd(totalOf(bill), 6)}**`)],
    ],
  );
  const functionRows = (task: CountedTask) =>
    Object.entries(task.functions).map(([name, work]) => [
      name,
      name in functionMemory ? functionMemory[name as keyof typeof functionMemory] : stepMemory(name),
      work.invocations,
      (work.heldMs / 1000).toFixed(0),
      work.requests,
      work.write,
      work.read,
      work.logBytes,
    ]);
  const typical = taskOf(TYPICAL_MINUTES, "reused");
  const counted = table(
    ["Function", "MB", "invocations", "seconds held", "requests", "write units", "read units", "bytes of log"],
    functionRows(typical),
  );
  const waitingPerMinute =
    (costOf(TYPICAL_MINUTES, "reused", true) - costOf(TYPICAL_MINUTES, "reused")) / TYPICAL_MINUTES;

  const { tasks, hours, functions } = counts.queue;
  const perThousand = (name: string, isApi: boolean): number => {
    const work = functions[name];
    if (!work) throw new Error(`${name} did nothing for a queue`);
    const { working, waiting, tableUnits } = workUsd(name, work, { isCold: false });
    const api = work.invocations * (prices.trace.usd + (isApi ? prices.apiRequest.usd : 0));
    return ((working + waiting + tableUnits + logUsd(functionLogBytes(work)) + api) / tasks) * 1000;
  };
  const dispatches = perThousand("mcp", true);
  const idle = workUsd("janitor", counts.janitor, { isCold: false });
  // Each run is the first request of its second, which X-Ray always takes.
  const idleTraces = counts.janitor.invocations * prices.trace.usd;
  const idleHour = (totalOfWork(idle) + logUsd(functionLogBytes(counts.janitor)) + idleTraces) / HOURS;
  // What the runs would cost anyway is no cost of the queue.
  const queueHour = perThousand("janitor", false) / hours - (idleHour / tasks) * 1000;

  const restRows = [
    [
      "the janitor, every five minutes",
      usd(idleHour * HOURS_OF_MONTH, 2),
      "Lambda's free allowance covers it in most accounts",
    ],
    [
      `the worker's image in ECR, ${IMAGE_GB} GB`,
      usd(prices.imageGbMonth.usd * IMAGE_GB, 2),
      "its size is a guess; see the console of ECR",
    ],
    [
      `${ALARM_METRICS} metrics that alarms read`,
      usd(prices.alarmMonth.usd * ALARM_METRICS, 2),
      "the first ten of an account are free",
    ],
    ["metrics of our own", "$0.00", `${usd(prices.metricMonth.usd, 2)} each for a month in which they are written`],
    ["the dashboard, if `cloud.dashboard` is on", usd(prices.dashboardMonth.usd, 2), "the first three are free"],
    [
      "table, point-in-time recovery, bucket, logs",
      "$0.00",
      `${usd(prices.tableGbMonth.usd, 2)}, ${usd(prices.recoveryGbMonth.usd, 2)}, ${usd(prices.s3GbMonth.usd, 3)} and ${usd(prices.logGbMonth.usd, 2)} for a GB and month`,
    ],
    ["API, state machine, runtimes without sessions, rules", "$0.00", "paid for by use"],
    ["keys of KMS", "$0.00", "everything is encrypted by keys that AWS owns"],
  ];

  const priceRows = Object.values(prices).map(({ usd: price, unit, source, read }) => [
    unit,
    `$${price < 0.001 ? `${+(price * 1e6).toFixed(6)} a million` : price}`,
    `[${new URL(source).pathname.includes("/offers/") ? "price list" : "page"}](${source})`,
    read,
  ]);

  return `# What it costs

Computed by \`npm run costs\` from counted calls and the [public prices](#prices) of ${pricesDate}, in US dollars for us-east-1 and us-west-2.
Free allowances, discounts and taxes are left out. **Nothing was run on a live AWS account**: what is counted and what is assumed is said
[below](#how-it-is-counted). What models cost comes on top, and is not estimated: a framework's answer tells it as \`usage.costUsd\`.

## A task

The control plane, from the call until nothing is owed, where nobody waits for the task; and the session on AgentCore, whose price depends on
the CPU that is used and on the memory at its peak: at least, for a machine that only waits in 128 MB, and at most, with both CPUs busy and
8 GB full all the time. \`history\` is the events of the session's execution, of which Step Functions allows 25,000.

${lengths}

## Five minutes, part by part

${parts}

A caller who waits with \`wait_for_task\` holds the endpoint's function: about ${usd(waitingPerMinute)} a minute more. With
\`get_task_status\` now and then, as the tool's \`pollIntervalMs\` says, it is ${usd(prices.apiRequest.usd + prices.trace.usd, 6)} for each call and a
few milliseconds of Lambda.

What is held down so: while a job is young, Watch holds on with one visit, because a turn of the loop (three transitions and a visit) costs as much as
18 s of its function; after 100 s it looks when a tenth of the job's time has passed again, and at least once a minute. While somebody else asks
the worker, it comes once a minute. AwaitReady holds on while the next look is a second away. The deletion of a runtime, which nobody
waits for and which bills nothing, is looked at after a minute, and then after as long again as it has taken.

## Queued tasks

1,000 tasks that have to wait for a slot cost ${usd(dispatches, 3)} to dispatch, and ${usd(queueHour, 3)} for each hour in which all of them wait and
nothing of their owner ends, because the janitor looks at them. They have no execution and no process.

## At rest

For a month in which nothing is dispatched:

${table(["What", "A month", ""], restRows)}

A busy stack writes [metrics](OPERATIONS.md#metrics) of its own. A session that a profile keeps warm is a session: ${cents(sessionUsd(3600).least)} to ${cents(sessionUsd(3600).most)} an hour.

## How it is counted

The deployed definition, steps, adapter and store run on emulators of DynamoDB and AgentCore, with a worker whose time is that of a
clock which jumps from appointment to appointment (\`test/costs/\`). The job prints a line of 100 characters each minute and leaves one
file of a kilobyte. Counted are the visits of each state, and with them transitions and history; the seconds for which a function
waits for the worker; each request to DynamoDB with its units, by the size of items and of what changes in indexes; requests to S3; bytes of the functions'
logs and metrics; calls of tools; bytes that are kept, for ${RETENTION_DAYS} days. For ${TYPICAL_MINUTES} minutes, \`runtime\`, reused (${typical.transitions} transitions, the start and the end of the
execution among them):

${counted}

Assumed, because no machine but AWS's can tell:

- AgentCore needs ${assumed.bootMs / 1000} s to start a machine, ${assumed.readyAfterGets} looks, a second apart, until a runtime is ready, and ${assumed.goneAfterMs / 60_000} minutes to delete one.
- Each function's first event of a task finds no environment: ${assumptions.coldCpuMs} ms of a processor, as measured on an x64 machine, and ${assumptions.warmCpuMs} ms for each other event. Lambda gives a function
  its memory's share of one processor per ${assumptions.oneCpuMb} MB, and bills the start since August 2025.
- A request to a service of AWS takes ${assumptions.requestMs} ms.
- Beside what our functions write, a log has ${assumptions.invocationLogBytes} bytes for an invocation, ${assumptions.historyLogBytes} for an event of an execution and ${assumptions.requestLogBytes} for a request to the API.
- Every request is a trace that is sampled. X-Ray takes one a second and 5 % of the others, and the first 100,000 a month are free.

Left out: what a job does beyond that (each event that it tells and each kilobyte of its log is a write unit, a file two requests), data sent to the internet
(${usd(prices.egressGb.usd, 2)} a GB), log groups of runtimes, recoveries, and the place that a call takes which waits (two write units).

## The estimate of a task

The record of a task on AgentCore has \`usage.estimate\`: \`{controlPlaneUsd, computeUsdAtMost, pricesOf, estimated: true}\`. It is an
estimate, not a bill: the control plane from the table above by the time that the task took, with a write unit for each event and
kilobyte of log; the session by its seconds, as if its machine were busy all the time (on a runtime that others made, by the prices of V2). A system on one machine has no
control plane that costs.

## Prices

${table(["For", "US dollars", "Source", "Read"], priceRows)}
`;
}

const totalOfWork = (work: ReturnType<typeof workUsd>): number =>
  Object.values(work).reduce((sum, part) => sum + part, 0);
