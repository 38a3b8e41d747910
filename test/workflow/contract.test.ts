import { describe } from "vitest";
import definition from "../../lib/workflow/dispatch.asl.json" with { type: "json" };
import { localWorkflow } from "../../lib/workflow/in-process.ts";
import { stepFunctionsWorkflow } from "../../lib/workflow/step-functions.ts";
import { workflowContract } from "../contract/workflow.ts";
import type { StateFunction } from "../emulators/executions.ts";
import { startStepFunctions } from "../emulators/step-functions.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };

describe("workflow contract: in this process", () =>
  workflowContract(async (handlers) => {
    const closing = new AbortController();
    const workflow = localWorkflow({ handlers, isClosing: () => closing.signal.aborted, log });
    return {
      workflow,
      async close() {
        closing.abort();
        await workflow.close();
      },
    };
  }));

describe("workflow contract: Step Functions", () =>
  workflowContract(async (handlers) => {
    const service = await startStepFunctions({ definition, functions: handlers as Record<string, StateFunction> });
    const { stateMachineArn, endpoint } = service;
    const workflow = stepFunctionsWorkflow({ stateMachineArn, endpoint });
    return {
      workflow,
      async close() {
        workflow.close();
        await service.close();
      },
    };
  }));
