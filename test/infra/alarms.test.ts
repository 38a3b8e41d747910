import { describe, expect, test } from "vitest";
import { metrics } from "../../lib/contract/observation/decision.ts";
import { Synthesis, statementsOf, text } from "./synthesis.ts";

const quiet = await Synthesis.of();
const telling = await Synthesis.of({ cloud: { alarmEmail: "on-call@example.com" } });
const alarmsOf = (built: Synthesis) => built.ofType("AWS::CloudWatch::Alarm").map(([, { Properties }]) => Properties);

test("there are alarms in any case, and each says where it is told what to do", () => {
  const told = alarmsOf(quiet).map(({ AlarmDescription }) => String(AlarmDescription).split(". What to do: "));
  expect(told).toEqual([
    ["AgentDispatch: the MCP function fails", "docs/OPERATIONS.md#mcperrors"],
    ["AgentDispatch: the endpoint answered 5xx", "docs/OPERATIONS.md#mcpservererrors"],
    [
      "AgentDispatch: executions ended without their clean-up; the janitor starts them again",
      "docs/OPERATIONS.md#executionsdied",
    ],
    ["AgentDispatch: steps of the workflow fail again and again", "docs/OPERATIONS.md#steperrors"],
    ["AgentDispatch: tasks fail for what is neither theirs nor their workers'", "docs/OPERATIONS.md#platformfailures"],
    [
      "AgentDispatch: something of a task that is over can neither be stopped nor deleted, and may be billed",
      "docs/OPERATIONS.md#stuckobligations",
    ],
    ["AgentDispatch: the janitor fails", "docs/OPERATIONS.md#janitorerrors"],
    [
      "AgentDispatch: the janitor does not run, so that tasks of dead executions stay as they are (this is told as insufficient data)",
      "docs/OPERATIONS.md#janitorsilent",
    ],
  ]);
  expect(alarmsOf(quiet).flatMap(({ AlarmActions }) => AlarmActions ?? [])).toEqual([]);
  expect(quiet.ofType("AWS::SNS::Topic")).toEqual([]);
});

test("none rings for what mends itself: one call or one run that failed, or one execution that died", () => {
  const rules = Object.fromEntries(
    alarmsOf(quiet).map(({ AlarmDescription, Threshold, EvaluationPeriods, DatapointsToAlarm }) => [
      String(AlarmDescription).split("#").at(-1),
      [Threshold, DatapointsToAlarm ?? EvaluationPeriods],
    ]),
  );
  expect(rules).toEqual({
    mcperrors: [3, 1],
    mcpservererrors: [5, 1],
    executionsdied: [3, 1],
    steperrors: [20, 1],
    platformfailures: [3, 1],
    // An hour of trying went before it.
    stuckobligations: [1, 1],
    janitorerrors: [1, 2],
    janitorsilent: [1, 3],
  });
});

test("those of our own metrics read what the functions write", () => {
  const own = alarmsOf(quiet).filter(({ MetricName }) => Object.hasOwn(metrics, String(MetricName)));
  expect(own.map(({ MetricName, Namespace, Dimensions }) => [MetricName, Namespace, Dimensions])).toEqual(
    ["PlatformFailures", "StuckObligations"].map((name) => [
      name,
      "AgentDispatch/agent-dispatch",
      [{ Name: "service", Value: "agent-dispatch" }],
    ]),
  );
});

test("the alarm of the steps counts what fails in the log of the executions", () => {
  const alarm = alarmsOf(quiet).find(({ AlarmDescription }) => String(AlarmDescription).includes("steps of"));
  expect(alarm).toMatchObject({ Namespace: "AgentDispatch/agent-dispatch", MetricName: "StepFailures" });
  const { LogGroupName, FilterPattern, MetricTransformations } = quiet.only("AWS::Logs::MetricFilter");
  expect(text(LogGroupName)).toBe("<WorkflowLogs>");
  expect(FilterPattern).toBe('{ ($.type = "LambdaFunctionFailed") || ($.type = "LambdaFunctionTimedOut") }');
  expect(MetricTransformations).toEqual([
    { MetricNamespace: "AgentDispatch/agent-dispatch", MetricName: "StepFailures", MetricValue: "1" },
  ]);
});

test("a janitor that has never run yet, because it was deployed just now, alarms nobody; one that stops does", () => {
  const silenceOf = (built: Synthesis) =>
    alarmsOf(built).find(({ AlarmDescription }) => String(AlarmDescription).includes("does not run"));
  for (const built of [quiet, telling]) expect(silenceOf(built)).toMatchObject({ TreatMissingData: "missing" });
  expect(text(silenceOf(telling)?.InsufficientDataActions)).toBe('["<AlarmsTopic>"]');
  const others = alarmsOf(telling).filter(({ InsufficientDataActions }) => InsufficientDataActions === undefined);
  expect(others).toHaveLength(7);
  for (const { TreatMissingData } of others) expect(TreatMissingData).toBe("notBreaching");
});

test("they read no more metrics than an account has alarms for free", () => {
  const metrics = alarmsOf(quiet).flatMap(({ Metrics, MetricName }) =>
    MetricName ? [MetricName] : (Metrics as { MetricStat?: unknown }[]).filter(({ MetricStat }) => MetricStat),
  );
  expect(metrics.length).toBeLessThanOrEqual(10);
});

describe("with an address", () => {
  test("every alarm tells", () => {
    for (const { AlarmActions } of alarmsOf(telling)) expect(text(AlarmActions)).toBe('["<AlarmsTopic>"]');
    expect(telling.only("AWS::SNS::Subscription")).toMatchObject({
      Protocol: "email",
      Endpoint: "on-call@example.com",
    });
  });

  test("CloudWatch alone may publish, and nobody without TLS", () => {
    const statements = statementsOf(telling.only("AWS::SNS::TopicPolicy").PolicyDocument);
    expect(statements.map(({ Effect, actions, condition }) => [Effect, actions, condition])).toEqual([
      ["Deny", ["sns:Publish"], '{"Bool":{"aws:SecureTransport":"false"}}'],
      ["Allow", ["sns:Publish"], '{"StringEquals":{"aws:SourceAccount":"123456789012"}}'],
    ]);
  });
});
