import { describe, expect, test } from "vitest";
import { Synthesis, text } from "./synthesis.ts";

const built = await Synthesis.of();
const dispatching = await Synthesis.of({ runtimes: { lead: { backend: "agentcore", mayDispatch: true } } });
const { resources } = built;
const sweepId = Object.entries(resources).find(([, { Type }]) => Type === "Custom::AgentDispatchSweep")?.[0] ?? "";

/** Ids of all that CloudFormation makes before a resource, and so deletes after it. */
function madeBefore(id: string, stack = built, seen = new Set<string>()): Set<string> {
  const { DependsOn = [], Properties = {} }: Record<string, unknown> = stack.resources[id] ?? {};
  const named = [DependsOn].flat().map(String);
  const used = [...JSON.stringify(Properties).matchAll(/"(?:Ref|Fn::GetAtt)":(?:"(\w+)"|\["(\w+)")/g)];
  for (const next of [...named, ...used.map(([, ref, att]) => ref ?? att ?? "")]) {
    if (!Object.hasOwn(stack.resources, next) || seen.has(next)) continue;
    seen.add(next);
    madeBefore(next, stack, seen);
  }
  return seen;
}
const idsOf = (type: string) => built.ofType(type).map(([id]) => id);

describe("the sweep of a stack that is deleted", () => {
  test("runs before anything goes that it needs: its function with role and policy, the table, the workflow and the runtime", () => {
    const needed = madeBefore(sweepId);
    const policy = idsOf("AWS::IAM::Policy").filter((id) => id.startsWith("OperatorHandlerRole"));
    const functions = idsOf("AWS::Lambda::Function").filter((id) => /^(?:Operator|Workflow)/.test(id));
    expect(policy).toHaveLength(1);
    expect(functions.length).toBeGreaterThan(8);
    expect([...needed]).toEqual(
      expect.arrayContaining([
        ...policy,
        ...functions,
        ...idsOf("AWS::DynamoDB::Table"),
        ...idsOf("AWS::S3::Bucket"),
        ...idsOf("AWS::StepFunctions::StateMachine"),
        ...idsOf("AWS::BedrockAgentCore::Runtime"),
      ]),
    );
  });

  // Agents that dispatch are told the address of the API, which so is made before them.
  test.each([
    ["", built],
    [", also where agents dispatch", dispatching],
  ])("runs when the way in is gone, through which more could come%s", (_, stack) => {
    const types = [...madeBefore(sweepId, stack)].map((id) => stack.resources[id]?.Type);
    const wayIn = ["AWS::ApiGateway::Method", "AWS::ApiGateway::Stage"];
    for (const type of wayIn) expect(types).not.toContain(type);
    const ids = [...wayIn, "AWS::Lambda::Function"].flatMap((type) => stack.ofType(type).map(([id]) => id));
    const gone = ids.filter((id) => id.startsWith("Mcp"));
    expect(gone.length).toBeGreaterThanOrEqual(3);
    for (const id of gone) expect([...madeBefore(id, stack)], id).toContain(sweepId);
  });

  test("is waited for no longer than its function can take, and asked for once", () => {
    const { Properties } = resources[sweepId] ?? {};
    expect(text(Properties?.ServiceToken)).toBe("<OperatorHandlerFunction.Arn>");
    expect(Properties?.ServiceTimeout).toBe("960");
    expect(built.functions.operator).toMatchObject({ Timeout: 900 });
    const invoked = built.ofType("AWS::Lambda::EventInvokeConfig").filter(([id]) => id.startsWith("Operator"));
    expect(invoked.map(([, { Properties: settings }]) => settings.MaximumRetryAttempts)).toEqual([0]);
  });

  test("keeps its id, because CloudFormation would delete what it takes for another one, and so sweep a stack that lives", () => {
    expect(sweepId).toBe("OperatorSweep6D779E51");
    expect(Object.keys(resources[sweepId]?.Properties ?? {}).sort()).toEqual(["ServiceTimeout", "ServiceToken"]);
  });
});

test("the function that admin commands invoke is among the outputs", () => {
  const { Outputs } = built.template.toJSON();
  expect(text(Outputs.OperatorFunctionArn.Value)).toBe("<OperatorHandlerFunction.Arn>");
});
