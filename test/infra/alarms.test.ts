import { describe, expect, test } from "vitest";
import { Synthesis, statementsOf, text } from "./synthesis.ts";

const quiet = await Synthesis.of();
const telling = await Synthesis.of({ cloud: { alarmEmail: "on-call@example.com" } });
const alarmsOf = (built: Synthesis) => built.ofType("AWS::CloudWatch::Alarm").map(([, { Properties }]) => Properties);

test("there are alarms in any case", () => {
  expect(alarmsOf(quiet).map(({ AlarmDescription }) => AlarmDescription)).toEqual([
    "AgentDispatch: the MCP function failed",
    "AgentDispatch: the endpoint answered 5xx",
    "AgentDispatch: executions ended without their clean-up; the janitor starts them again",
    "AgentDispatch: steps of the workflow fail again and again",
    "AgentDispatch: the janitor failed",
    "AgentDispatch: the janitor does not run, so that tasks of dead executions stay as they are (this is told as insufficient data)",
  ]);
  expect(alarmsOf(quiet).flatMap(({ AlarmActions }) => AlarmActions ?? [])).toEqual([]);
  expect(quiet.ofType("AWS::SNS::Topic")).toEqual([]);
});

test("the alarm of the steps counts what fails in the log of the executions", () => {
  const alarm = alarmsOf(quiet).find(({ AlarmDescription }) => String(AlarmDescription).includes("steps"));
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
  expect(others).toHaveLength(5);
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
