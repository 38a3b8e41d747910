import { getLanguageService, TextDocument } from "amazon-states-language-service";
import validate from "asl-validator";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import { describe, expect, test } from "vitest";
import { steps } from "../../lib/engine/steps/index.ts";
import type { Deployment } from "../../lib/infra/deployment.ts";
import { grantStep } from "../../lib/infra/step-permissions.ts";
import { taskStates } from "../../lib/infra/workflow-definition.ts";
import { Synthesis, text } from "./synthesis.ts";

const built = await Synthesis.of();
const machine = built.only("AWS::StepFunctions::StateMachine");
const definition = String(machine.DefinitionString);
const substitutions = machine.DefinitionSubstitutions as Record<string, unknown>;

/** As CloudFormation fills it in. */
const filled = definition.replaceAll(/\$\{(\w+)\}/g, (_, name) =>
  text(substitutions[name]).replace(/^<(\w+)\.Arn>$/, "arn:aws:lambda:us-west-2:123456789012:function:$1"),
);

/** What AWS's own language service, which its console and editors use, says of a definition. */
async function issuesOf(written: string): Promise<string[]> {
  const service = getLanguageService({});
  const document = TextDocument.create("file:///dispatch.asl.json", "asl", 1, written);
  const found = await service.doValidation(document, service.parseJSONDocument(document));
  return found.map(({ message, range }) => `${range.start.line + 1}: ${message}`);
}

describe("the state machine", () => {
  test("is accepted by AWS's own language service, which finds what is wrong", async () => {
    expect(await issuesOf(filled)).toEqual([]);
    const wrong = filled.replace('"Next": "IsOver"', '"Next": "Nowhere"');
    expect(await issuesOf(wrong)).toEqual([
      expect.stringContaining('"Next" property must be the name of an existing state'),
      expect.stringContaining("cannot be reached"),
    ]);
  });

  test("runs the definition with a function of its own for each step", () => {
    for (const [name, arn] of Object.entries(substitutions)) expect(text(arn)).toBe(`<Workflow${name}.Arn>`);
    expect(filled).not.toContain("${");
    expect(validate(JSON.parse(filled))).toMatchObject({ isValid: true, errors: [] });
    expect(Object.keys(substitutions).sort()).toEqual(
      Object.keys(steps)
        .map((name) => `${name}Function`)
        .sort(),
    );
  });

  test("is a standard one, by the name that its functions know", () => {
    expect(machine).toMatchObject({ StateMachineName: "agent-dispatch", StateMachineType: "STANDARD" });
    expect(text(built.functions.Cleanup?.Environment)).toContain(
      "arn:aws:states:us-west-2:123456789012:stateMachine:agent-dispatch",
    );
  });

  test("logs what happens, and never with what", () => {
    expect(machine).toMatchObject({
      LoggingConfiguration: { Level: "ALL", IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    });
    const [destination] = (machine.LoggingConfiguration as { Destinations: unknown[] }).Destinations;
    expect(text(destination)).toContain("<WorkflowLogs.Arn>");
    const logs = built.ofType("AWS::Logs::LogGroup").find(([id]) => id.startsWith("WorkflowLogs"));
    expect(logs?.[1].Properties.LogGroupName).toBe("/aws/vendedlogs/states/agent-dispatch");
  });
});

describe("a step", () => {
  const states = taskStates(definition);

  test.each(states)("$name ends before its state stops waiting", ({ name, timeoutSeconds }) => {
    const { Timeout } = built.functions[name] as { Timeout: number };
    expect(Timeout).toBeLessThanOrEqual(900);
    expect(timeoutSeconds - Timeout).toBeGreaterThan(0);
    expect(timeoutSeconds - Timeout).toBeLessThanOrEqual(10);
  });

  test("that nobody gave its permissions stops the synthesis", () => {
    expect(() => grantStep("Elsewhere", {} as Deployment, {} as IGrantable)).toThrow(/the state Elsewhere/);
  });

  test("takes what the account has, or what is kept for it", async () => {
    const { functions } = await Synthesis.of({ cloud: { concurrency: { steps: 12 } } });
    for (const { name } of states) {
      expect(built.functions[name]).not.toHaveProperty("ReservedConcurrentExecutions");
      expect(functions[name]?.ReservedConcurrentExecutions).toBe(12);
    }
  });
});

describe("a definition", () => {
  const state = (fields: object) => JSON.stringify({ States: { Look: { Type: "Task", ...fields } } });

  test("says which function a state calls, and for how long", () => {
    expect(taskStates(state({ Resource: `\${LookFunction}`, TimeoutSeconds: 60 }))).toEqual([
      { name: "Look", placeholder: "LookFunction", timeoutSeconds: 60 },
    ]);
  });

  test.each([
    { Resource: "arn:aws:states:::lambda:invoke", TimeoutSeconds: 60 },
    { Resource: `\${OtherFunction}`, TimeoutSeconds: 60 },
    { Resource: `\${LookFunction}` },
  ])("with %j is refused", (fields) => {
    expect(() => taskStates(state(fields))).toThrow(/^the state Look needs/);
  });
});

describe("the janitor", () => {
  const rules = built.ofType("AWS::Events::Rule").map(([, { Properties }]) => Properties);

  test("runs every five minutes, and when an execution has died", () => {
    expect(rules.map(({ Targets }) => text((Targets as { Arn: unknown }[])[0]?.Arn))).toEqual([
      "<JanitorHandlerFunction.Arn>",
      "<JanitorHandlerFunction.Arn>",
    ]);
    expect(rules.map(({ ScheduleExpression }) => ScheduleExpression)).toEqual(["rate(5 minutes)", undefined]);
    expect(JSON.parse(text(rules[1]?.EventPattern))).toEqual({
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: {
        status: ["FAILED", "TIMED_OUT", "ABORTED"],
        stateMachineArn: ["arn:aws:states:us-west-2:123456789012:stateMachine:agent-dispatch"],
      },
    });
  });

  test("has minutes, and is not run again when it failed", () => {
    expect(built.functions.janitor).toMatchObject({ Timeout: 240 });
    for (const [, { Properties }] of built.ofType("AWS::Lambda::EventInvokeConfig"))
      expect(Properties).toMatchObject({ MaximumRetryAttempts: 0 });
  });
});
