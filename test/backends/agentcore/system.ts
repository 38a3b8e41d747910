import { openArtifacts } from "../../../lib/artifacts/s3/artifacts.ts";
import { chooseProfile, route } from "../../../lib/config/routing.ts";
import { isSettled, type Json, type Task } from "../../../lib/contract/task.ts";
import { dispatch } from "../../../lib/engine/dispatch.ts";
import type { Ports } from "../../../lib/engine/ports.ts";
import { StepError } from "../../../lib/engine/steps/handler.ts";
import { steps } from "../../../lib/engine/steps/index.ts";
import type { TaskStore } from "../../../lib/store/port.ts";
import definition from "../../../lib/workflow/dispatch.asl.json" with { type: "json" };
import type { StepInput } from "../../../lib/workflow/port.ts";
import { stepFunctionsWorkflow } from "../../../lib/workflow/step-functions.ts";
import type { StateFunction } from "../../emulators/executions.ts";
import { startS3 } from "../../emulators/s3.ts";
import { startStepFunctions } from "../../emulators/step-functions.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { inProcessBackend } from "../../fixtures/in-process-backend.ts";
import { loggedBy } from "../../fixtures/logged-by.ts";

/**
 * The control plane on emulators: the definition runs on Step Functions, large values are on S3, and workers are objects
 * in this process, whose jobs last until `finish` is called. The clock is the real one, and may be set forward.
 */
export async function startSystem(openStore: (options: { now: () => number }) => TaskStore) {
  let aheadMs = 0;
  let finished = false;
  const now = () => Date.now() + aheadMs;
  const store = openStore({ now });
  const backend = inProcessBackend({ now, durationMs: () => (finished ? 0 : Number.POSITIVE_INFINITY) });

  const functions = Object.fromEntries(
    Object.entries(steps).map(([state, step]): [string, StateFunction] => [
      state,
      async (event) => {
        const input = event as StepInput;
        try {
          return await step(ports, input);
        } catch (error) {
          throw new StepError(error, ports, state, input.id);
        }
      },
    ]),
  );
  const [s3, stepFunctions] = await Promise.all([startS3(), startStepFunctions({ definition, functions })]);
  const objects = s3.makeBucket("artifacts");
  const artifacts = openArtifacts({ bucket: "artifacts", endpoint: s3.endpoint });
  const workflow = stepFunctionsWorkflow(stepFunctions);
  const configuration = parseConfiguration({
    accounts: { local: { provider: "local", credentialSource: "none" } },
    backends: { local: { adapter: "local-process", account: "local" } },
    runtimes: { local: { backend: "local" } },
    defaults: { runtime: "local" },
  });
  const silent = () => {};
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const ports: Ports = {
    store,
    artifacts,
    workflow,
    backends: { [backend.name]: backend },
    configuration: () => configuration,
    now,
    steady: now,
    pace: { visitSeconds: 0, maxPauseSeconds: 0 },
    closing: new AbortController().signal,
    log,
    observe: loggedBy(log),
  };

  return {
    ports,
    backend,
    objects,
    stepFunctions,
    finish: () => {
      finished = true;
    },
    advance: (ms: number) => {
      aheadMs += ms;
    },
    async dispatch(input: Json): Promise<string> {
      const profile = chooseProfile(configuration, undefined);
      const to = route(configuration, ports.backends, { taskType: "command.run", mode: "session" }, profile);
      return (await dispatch(ports, "local", { route: to, input, envField: "input.env", call: { input } })).taskId;
    },
    /** Resolves with the task once it is as asked. */
    async until(id: string, fits: (task: Task) => boolean): Promise<Task> {
      for (;;) {
        const task = await store.get(id);
        if (task && fits(task)) return task;
        await store.waitForChange(id, task?.revision ?? 0, 1000);
      }
    },
    /** Resolves with the task once it is terminal and owes nothing, and no execution runs any more. */
    async settled(id: string): Promise<Task> {
      const task = await this.until(id, isSettled);
      await Promise.all([...stepFunctions.executions.values()].map(({ ended }) => ended));
      return task;
    },
    async [Symbol.asyncDispose]() {
      await stepFunctions.close();
      workflow.close();
      artifacts.close();
      s3.close();
    },
  };
}
