import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { newTaskId } from "../../lib/contract/task-id.ts";
import { CONTRACT } from "../../lib/contract/worker.ts";
import { steps } from "../../lib/engine/steps/index.ts";
import { done } from "../../lib/engine/steps/step.ts";
import { makeTask } from "../contract/make-task.ts";
import { type Cloud, openCloud } from "../emulators/functions.ts";
import type { DeployedFunction } from "../emulators/lambda-runner.ts";
import { RUNTIME_ARN } from "../mcp/ports.ts";

const ENTRY = "lambdas/workflow/handler.ts";

let cloud: Cloud;
let provision: DeployedFunction;
beforeAll(async () => {
  cloud = await openCloud();
  provision = await cloud.deploy(ENTRY, { [environmentVariables.step]: "Provision" });
});
afterAll(() => cloud?.stop());

/** What Step Functions gets of a failed function: its error and its cause. */
async function failureOf(target: DeployedFunction, event: unknown) {
  const response = await target.invoke(event);
  expect(response.headers.get("x-amz-function-error")).toBe("Unhandled");
  const { errorType, errorMessage } = (await response.json()) as { errorType: string; errorMessage: string };
  return { errorType, problem: JSON.parse(errorMessage) };
}

test("a step works on its task, and says whether to come again", async () => {
  const target = {
    mode: "session" as const,
    protocol: "http" as const,
    details: { runtimeArn: RUNTIME_ARN, contract: CONTRACT },
  };
  const task = makeTask({ owner: "ann", backend: "aws-agentcore", provider: "aws", status: "provisioning", target });
  await cloud.store.create(task);
  const response = await provision.invoke({ id: task.id, n: 1 });
  expect(response.headers.get("x-amz-function-error")).toBeNull();
  expect(await response.json()).toEqual(done);
  const after = await cloud.store.get(task.id);
  expect(after).toMatchObject({
    providerRefs: { runtimeArn: RUNTIME_ARN },
    obligations: { session: expect.any(String) },
  });
});

test.each(Object.keys(steps))("%s leaves a task alone that is gone", async (step) => {
  const target = await cloud.deployForTest(ENTRY, { [environmentVariables.step]: step });
  const response = await target.invoke({
    id: "task_0",
    n: 1,
    failure: { Error: "StepRefused", Cause: "{}" },
    step: {},
  });
  expect(await response.json()).toEqual(done);
});

describe("a step that fails", () => {
  test.each([null, {}, { id: "task_0" }, { id: "task_0", n: 0 }, { id: 7, n: 1 }, "task_0"])(
    "is not tried again when its event is %j",
    async (event) => {
      const { errorType, problem } = await failureOf(provision, event);
      expect(errorType).toBe("StepRefused");
      expect(problem).toMatchObject({ code: "input.invalid", retryable: false });
    },
  );

  test("is tried again when the store cannot be reached", async () => {
    const env = {
      [environmentVariables.step]: "Start",
      AWS_ENDPOINT_URL_DYNAMODB: "http://127.0.0.1:1",
      AWS_MAX_ATTEMPTS: "1",
    };
    const { errorType, problem } = await failureOf(await cloud.deployForTest(ENTRY, env), { id: newTaskId(), n: 1 });
    expect(errorType).toBe("StepRetryable");
    expect(problem).toMatchObject({ code: "platform.store_unavailable", retryable: true });
  });

  test("tells what is not ours to the log alone", async () => {
    const task = makeTask({ owner: "ann", backend: "aws-agentcore", provider: "aws", status: "provisioning" });
    await cloud.store.create({ ...task, backend: "nowhere" });
    const { problem } = await failureOf(provision, { id: task.id, n: 1 });
    expect(problem.code).toEqual(expect.any(String));
    expect(JSON.stringify(problem)).not.toMatch(/\.mjs|at /);
  });
});

test.each([
  ["", "AGENTDISPATCH_STEP is not set"],
  ["Nap", "no state is named Nap; there are: Provision"],
  ["constructor", "no state is named constructor"],
])("a function for the step %j does not start", async (step, message) => {
  const broken = await cloud.deployForTest(ENTRY, { [environmentVariables.step]: step });
  await expect(broken.invoke({ id: "task_0", n: 1 })).rejects.toThrow(message);
});
