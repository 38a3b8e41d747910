/** What the functions of the cloud say of their work: their lines, metrics and traces, and the questions that are asked of them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ownerHash } from "../../lib/aws/observe/owner-hash.ts";
import { dimensionOf, type MetricName, metrics } from "../../lib/contract/observation/decision.ts";
import { amazonTrace, traceIdOf } from "../../lib/contract/observation/trace.ts";
import { TASK_TAG } from "../../lib/contract/runtimes.ts";
import type { Json } from "../../lib/contract/task.ts";
import { newTaskId, randomHex } from "../../lib/contract/task-id.ts";
import { ownerOf } from "../../lib/engine/owner.ts";
import { exampleTask, exampleTrace, savedQueries } from "../../lib/infra/saved-queries.ts";
import { type Caller, signingFetch } from "../aws/callers.ts";
import { type CloudSystem, openCloudSystem } from "../emulators/cloud-system.ts";
import { type LogLine, runQuery } from "../emulators/logs-insights.ts";
import { until } from "../worker/start-worker.ts";
import { cloudConfiguration, onAws } from "./cloud-under-test.ts";
import { forbidden, policiesOf } from "./permissions.ts";
import { commandCall } from "./system.ts";

/** Words that only the caller knows. */
const canaries = {
  instruction: "canary-of-the-instruction",
  environment: "canary-of-the-environment",
  output: "canary-of-the-output",
  argument: "canary-of-an-argument",
};
const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const unknownRuntime = `ad_0a1b2c3d_${randomHex(16)}`;
let cloud: CloudSystem;
let caller: Caller;
let owner: string;
/** The tasks of the story below. */
const tasks: Record<"traced" | "waited" | "failed" | "echoed" | "recovered", string> = {
  traced: "",
  waited: "",
  failed: "",
  echoed: "",
  recovered: "",
};
let lines: LogLine[];
let written: string;

/** One call of a tool, with what the message says of its trace. */
async function call(name: string, input: Json, _meta: Json = {}): Promise<Json> {
  const response = await signingFetch(caller)(cloud.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2025-11-25",
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: input, _meta } }),
  });
  const { result } = (await response.json()) as { result: { structuredContent: Json; isError?: boolean } };
  if (result.isError) throw new Error(JSON.stringify(result));
  return result.structuredContent;
}

const dispatch = async (input: Json, more: Json = {}, meta: Json = {}): Promise<string> => {
  const place = onAws("session", { backend: "narrow" });
  const handle = await call("dispatch_task", { ...commandCall(input, place), ...more }, meta);
  return handle.taskId as string;
};

beforeAll(async () => {
  cloud = await openCloudSystem(cloudConfiguration);
  caller = cloud.admit();
  owner = ownerHash(ownerOf(caller.userArn));
  const { output, environment, argument, instruction } = canaries;
  const traced = {
    command: 'printenv TRACEPARENT; echo "$MINE"',
    shell: true,
    args: [argument],
    env: { MINE: environment },
  };
  // Made for a task that nobody knows.
  cloud.emulator.deploy(unknownRuntime, {
    tags: { [TASK_TAG]: newTaskId() },
    createdAt: new Date(Date.now() - 3_600_000).toISOString(),
  });
  const held = cloud.holdAt("Watch", caller);
  tasks.traced = await dispatch(traced, {}, { traceparent: trace });
  await held.isThere;
  // There is room for one at a time.
  tasks.waited = await dispatch({ command: "true" });
  await cloud.recover(tasks.waited);
  held.release();
  await cloud.settled(tasks.traced);
  await cloud.settled(tasks.waited);
  // A step that is tried again says why.
  cloud.emulator.fail("InvokeAgentRuntime", { error: "InternalServerException" });
  tasks.failed = await dispatch({ command: `echo ${output} >&2; exit 3`, shell: true });
  await cloud.settled(tasks.failed);
  const spawned = await call("spawn_cloud_agent", { instruction, framework: "echo", ...onAws("session") });
  tasks.echoed = spawned.taskId as string;
  await cloud.settled(tasks.echoed);
  // Nothing of what is refused is told but that it was.
  await expect(call("dispatch_task", { provider: argument })).rejects.toThrow("input.invalid");
  // What cannot be started is brought on by the janitor.
  cloud.stepFunctions.faults.add({ status: 400, code: "AccessDeniedException" }, { operation: "StartExecution" });
  tasks.recovered = await dispatch({ command: "true" });
  await cloud.recover(tasks.recovered);
  await cloud.settled(tasks.recovered);
  const all = Object.values(cloud.functions);
  // A step ends after the write that settles its task.
  await until(() => all.flatMap((each) => each.logged()).some(isLastOf(tasks.recovered)));
  written = all.map((each) => each.written()).join("");
  lines = all.flatMap((each) => each.logged()).map((line) => ({ ...line, "@timestamp": timeOf(line) }));
  // All of the story is told before the first question.
}, 300_000);
afterAll(() => cloud?.[Symbol.asyncDispose]());

const isLastOf = (id: string) => (line: LogLine) =>
  line.decision === "stepped" && line.step === "Cleanup" && line.taskId === id && line.again === false;

/** As CloudWatch has it, from whichever a line says. */
function timeOf({ timestamp, _aws }: LogLine): unknown {
  const { Timestamp } = (_aws ?? {}) as { Timestamp?: number };
  return timestamp ?? (Timestamp === undefined ? undefined : new Date(Timestamp).toISOString());
}

const decisionsOf = (id: string): LogLine[] =>
  lines
    .filter(({ decision, taskId }) => decision !== undefined && taskId === id)
    .toSorted((one, other) => String(one["@timestamp"]).localeCompare(String(other["@timestamp"])));

describe("the lines", () => {
  test("tell each decision once, with task, owner, step and time", () => {
    const story = decisionsOf(tasks.traced).filter(({ level }) => level === "INFO");
    for (const line of story) {
      expect(line).toMatchObject({ owner, step: expect.any(String), taskId: tasks.traced });
      if (line.decision !== "owed") expect(line.ms).toEqual(expect.any(Number));
    }
    const told = story.map(({ decision, from, to, step, obligation }) =>
      [decision, decision === "stepped" ? step : to, from, obligation].filter(Boolean).join(" "),
    );
    for (const once of [
      "dispatched",
      "moved provisioning queued",
      "moved starting provisioning",
      "moved running starting",
      "first_event",
      "moved completing running",
      "ended succeeded completing",
      "owed slot",
      "owed session",
      "settled",
      "stepped Provision",
      "stepped Start",
      "stepped Cleanup",
    ])
      expect(told.filter((each) => each === once)).toEqual([once]);
  });

  test("tell of queues, recoveries, and why a task failed", () => {
    expect(lines).toContainEqual(expect.objectContaining({ decision: "queued", owner, depth: 1, step: "janitor" }));
    const [recovered] = decisionsOf(tasks.recovered).filter(({ decision }) => decision === "recovered");
    expect(recovered).toMatchObject({ attempt: 1, step: "janitor", owner });
    const [ended] = decisionsOf(tasks.failed).filter(({ decision }) => decision === "ended");
    expect(ended).toMatchObject({ to: "failed", code: "task.exit_code", totalMs: expect.any(Number) });
  });

  test("tell of what was left behind, which is gone then", () => {
    const found = lines.filter(({ decision }) => decision === "found");
    expect(found).toMatchObject([{ thing: "unknown_runtime", name: unknownRuntime, step: "janitor", level: "INFO" }]);
    expect(cloud.emulator.runtimes.all.map(({ name }) => name)).toEqual(["shared"]);
  });

  test("tell of a call that was refused, by whom and why", () => {
    expect(lines).toContainEqual(
      expect.objectContaining({
        decision: "refused",
        tool: "dispatch_task",
        code: "input.invalid",
        owner,
        step: "mcp",
      }),
    );
  });

  test.each(Object.entries(canaries))("hold nothing of the %s", (_, canary) => {
    expect(written.length).toBeGreaterThan(1000);
    expect(written).not.toContain(canary);
  });

  test("name no caller, and no key", () => {
    expect(written).toContain(owner);
    expect(written).not.toMatch(/arn:aws:(?:sts|iam)::\d{12}:(?:assumed-role|user|root|federated-user)/);
    expect(written).not.toContain(ownerOf(caller.userArn).split("/").at(-1));
    expect(written).not.toContain(caller.accessKeyId);
    expect(written).not.toMatch(/X-Amz-(?:Signature|Credential|Security-Token)/i);
  });
});

describe("the trace of the caller", () => {
  test("is that of the task, of each of its lines and of its execution", async () => {
    const traceId = traceIdOf(trace);
    expect(decisionsOf(tasks.traced).filter((line) => line.traceId !== traceId)).toEqual([]);
    expect(cloud.stepFunctions.traces.get(`${tasks.traced}-1`)).toBe(amazonTrace(trace));
    expect(cloud.executionsOf(tasks.traced)).toHaveLength(1);
  });

  test("is that of each invocation of its worker", () => {
    const invoked = cloud.emulator.calls.filter(
      ({ operation, body }) => operation === "InvokeAgentRuntime" && (body as Json).taskId === tasks.traced,
    );
    expect(new Set(invoked.map(({ body }) => (body as Json).op))).toContain("start");
    for (const call of invoked) expect(call.trace).toEqual({ traceparent: trace, amazon: amazonTrace(trace) });
  });

  test("reaches the environment of the job", async () => {
    const { data } = await call("get_task_logs", { task_id: tasks.traced });
    expect(String(data).split("\n")[0]).toBe(trace);
  });

  test("is that which the gateway made, where the caller said none, also for what the janitor starts", () => {
    for (const id of [tasks.waited, tasks.recovered]) {
      const traces = new Set(decisionsOf(id).map(({ traceId }) => traceId));
      expect([...traces]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
      const [traceId = ""] = traces as Set<string>;
      expect(cloud.stepFunctions.traces.get(`${id}-1`)).toContain(`Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)};`);
    }
  });
});

test("the metrics are those that are known, and none has more dimensions than are paid for", () => {
  const seen = new Map<string, Set<string>>();
  for (const line of lines) {
    const { CloudWatchMetrics = [] } = (line._aws ?? {}) as { CloudWatchMetrics?: Described[] };
    for (const { Namespace, Dimensions, Metrics } of CloudWatchMetrics) {
      expect(Namespace).toBe("AgentDispatch/agent-dispatch");
      for (const { Name, Unit } of Metrics) {
        const dimension = dimensionOf(Name);
        expect(Unit).toBe(metrics[Name].unit);
        expect(Dimensions).toEqual([["service", ...(dimension === undefined ? [] : [dimension])]]);
        const values = seen.get(Name) ?? new Set();
        seen.set(Name, values.add(String(dimension === undefined ? "" : line[dimension])));
      }
    }
  }
  expect([...(seen.get("Outcomes") ?? [])].sort()).toEqual(["succeeded", "task.exit_code"]);
  expect([...(seen.get("Found") ?? [])]).toEqual(["unknown_runtime"]);
  expect([...(seen.get("PhaseTime") ?? [])].sort()).toEqual([
    "completing",
    "provisioning",
    "queued",
    "running",
    "starting",
  ]);
  const rare = ["PlatformFailures", "OverdueObligations", "StuckObligations"];
  expect([...seen.keys(), ...rare].sort()).toEqual(Object.keys(metrics).sort());
});

const traceOfFailed = (): string => String(decisionsOf(tasks.failed)[0]?.traceId);

type Described = {
  Namespace: string;
  Dimensions: string[][];
  Metrics: { Name: MetricName; Unit: string }[];
};

test.each(savedQueries)("the query $name finds what it asks for in these lines", ({ lines: asked }) => {
  const query = asked.join("\n| ").replace(exampleTask, tasks.failed).replace(exampleTrace, traceOfFailed());
  const rows = runQuery(query, lines);
  // All that was owed is settled: for that question no answer is the right one.
  if (query.includes('last = "owed"')) {
    expect(rows).toEqual([]);
    const unsettled = lines.filter(({ decision, taskId }) => !(decision === "settled" && taskId === tasks.failed));
    expect(runQuery(query, unsettled)).toMatchObject([
      { taskId: tasks.failed, last: "owed", what: expect.any(String) },
    ]);
    return;
  }
  expect(rows).not.toEqual([]);
  // Each column says something in some row.
  for (const column of Object.keys(rows[0] ?? {}).filter((name) => new RegExp(`\\b${name}\\b`).test(query)))
    expect(
      rows.filter((row) => row[column] !== undefined),
      column,
    ).not.toEqual([]);
});

test("nothing was done that the stack's policies do not allow", async () => {
  expect(forbidden(await policiesOf(cloud))).toEqual([]);
});
