import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newTaskId } from "../../lib/contract/task-id.ts";
import definition from "../../lib/workflow/dispatch.asl.json" with { type: "json" };
import { stepFunctionsWorkflow, type WorkflowOptions } from "../../lib/workflow/step-functions.ts";
import type { StateFunction } from "../emulators/executions.ts";
import type { Fault } from "../emulators/requests/faults.ts";
import { startStepFunctions } from "../emulators/step-functions.ts";

/** One state, which ends when the test says so. */
const holding = {
  StartAt: "Hold",
  States: { Hold: { Type: "Task", Resource: "x", TimeoutSeconds: 60, End: true } },
};

describe("the workflow on Step Functions", () => {
  let service: Awaited<ReturnType<typeof startStepFunctions>>;
  let release: () => void;
  const events: unknown[] = [];
  beforeEach(async () => {
    events.length = 0;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const Hold: StateFunction = async (event) => {
      events.push(event);
      await held;
    };
    service = await startStepFunctions({ definition: holding, functions: { Hold } });
  });
  afterEach(async () => {
    release();
    await service.close();
  });

  function open(options: Partial<WorkflowOptions> = {}) {
    const { stateMachineArn, endpoint } = service;
    const workflow = stepFunctionsWorkflow({ stateMachineArn, endpoint, ...options });
    return { start: workflow.start, [Symbol.dispose]: workflow.close };
  }

  it("starts an execution by the task's id and number, once, however often it is asked", async () => {
    using workflow = open();
    const id = newTaskId();
    expect(await workflow.start(id, 1)).toBe("started");
    expect(await workflow.start(id, 1)).toBe("started");
    expect(await Promise.all([2, 2, 2].map((n) => workflow.start(id, n)))).toEqual(["started", "started", "started"]);
    expect([...service.executions.values()].map(({ name, input }) => [name, input])).toEqual([
      [`${id}-1`, `{"id":"${id}","n":1}`],
      [`${id}-2`, `{"id":"${id}","n":2}`],
    ]);
    expect(events).toEqual([
      { id, n: 1 },
      { id, n: 2 },
    ]);
  });

  it("says that the name of an ended execution exists, and starts the next one", async () => {
    using workflow = open();
    const id = newTaskId();
    await workflow.start(id, 1);
    release();
    await service.executions.get(`${id}-1`)?.ended;
    expect(service.executions.get(`${id}-1`)?.status).toBe("SUCCEEDED");
    expect(await workflow.start(id, 1)).toBe("exists");
    expect(await workflow.start(id, 2)).toBe("started");
    await service.executions.get(`${id}-2`)?.abort();
    expect(await workflow.start(id, 2)).toBe("exists");
  });

  it("starts nothing twice when the answer is lost", async () => {
    using workflow = open();
    service.faults.add({ cut: "after" });
    service.faults.add({ status: 503, code: "ServiceUnavailable" });
    expect(await workflow.start(newTaskId(), 1)).toBe("started");
    expect(service.faults.seen).toHaveLength(3);
    expect(service.executions.size).toBe(1);
  });

  const cases: [string, Fault, { code: string; retryable: boolean; hint: RegExp }][] = [
    ["throttling", fault("ThrottlingException"), unavailable(/try again/)],
    ["trouble there", fault("InternalFailure", 500), unavailable(/try again/)],
    ["no answer", { cut: "before" }, unavailable(/try again/)],
    ["too many executions", fault("ExecutionLimitExceeded"), unavailable(/quota/)],
    ["old credentials", fault("ExpiredTokenException"), unavailable(/renew the AWS credentials/)],
    ["no permission", fault("AccessDeniedException"), refused("platform.workflow_denied", /states:StartExecution/)],
    ["no key", fault("KmsAccessDeniedException"), refused("platform.workflow_denied", /kms:Decrypt/)],
    ["its end", fault("StateMachineDeleting"), refused("platform.workflow_missing", /deploy/)],
  ];
  it.each(cases)("says what is wrong after %s", async (_, fault, { hint, ...expected }) => {
    using workflow = open();
    service.faults.add(fault, { times: 3 });
    const hinted = { ...expected, hint: expect.stringMatching(hint) };
    await expect(workflow.start(newTaskId(), 1)).rejects.toMatchObject(hinted);
    expect(service.executions.size).toBe(0);
  });

  it("says that the state machine is missing, or its ARN wrong", async () => {
    for (const stateMachineArn of [`${service.stateMachineArn}-2`, "agent-dispatch"]) {
      using workflow = open({ stateMachineArn });
      const missing = { code: "platform.workflow_missing", retryable: false, hint: expect.any(String) };
      await expect(workflow.start(newTaskId(), 1)).rejects.toMatchObject(missing);
    }
  });

  it("hands on as it is what the service calls invalid", async () => {
    using workflow = open();
    await expect(workflow.start("no task id, and much too long".repeat(3), 1)).rejects.toMatchObject({
      name: "InvalidName",
    });
  });

  it("is refused with a wrong secret", async () => {
    const strict = await startStepFunctions({ definition, functions: {}, identities: { local: "another secret" } });
    using workflow = open(strict);
    await expect(workflow.start(newTaskId(), 1)).rejects.toMatchObject({
      code: "platform.workflow_unavailable",
      hint: "check the clock of this machine and its AWS credentials",
    });
    await strict.close();
  });
});

function fault(code: string, status = 400): Fault {
  return { status, code };
}
function unavailable(hint: RegExp) {
  return { code: "platform.workflow_unavailable", retryable: true, hint };
}
function refused(code: string, hint: RegExp) {
  return { code, retryable: false, hint };
}
