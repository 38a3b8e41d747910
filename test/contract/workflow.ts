import { expect, onTestFinished, test } from "vitest";
import { newTaskId } from "../../lib/contract/task-id.ts";
import { again, done } from "../../lib/engine/steps/step.ts";
import type { StepHandler, StepInput, StepOutput, Workflow } from "../../lib/workflow/port.ts";

export type WorkflowUnderTest = { workflow: Workflow; close(): Promise<void> };

/** What every workflow promises that runs `dispatch.asl.json`; `open` is given the steps, by the names of their states. */
export function workflowContract(open: (steps: Record<string, StepHandler>) => Promise<WorkflowUnderTest>): void {
  const states = ["Provision", "AwaitReady", "Start", "SynchronousCall", "Watch", "Complete", "Fail", "Cleanup"];

  /** A workflow whose steps answer as they are told, else that they are done; `seen` is what each was given. */
  async function start(answers: Record<string, (input: StepInput, visit: number) => Promise<StepOutput>> = {}) {
    const seen: { state: string; input: StepInput }[] = [];
    const step =
      (state: string): StepHandler =>
      async (input) => {
        seen.push({ state, input });
        const visit = seen.filter((each) => each.state === state && each.input.id === input.id).length;
        return (await answers[state]?.(input, visit)) ?? done;
      };
    const under = await open(Object.fromEntries(states.map((state) => [state, step(state)])));
    onTestFinished(() => under.close());
    const { workflow } = under;
    const pathOf = (id: string) => seen.filter(({ input }) => input.id === id).map(({ state }) => state);
    const ended = (id: string) => expect.poll(() => pathOf(id).at(-1), { timeout: 20_000 }).toBe("Cleanup");
    return { workflow, seen, pathOf, ended };
  }
  const refused = Object.assign(new Error('{"code":"task.x","message":"no","retryable":false}'), {
    name: "StepRefused",
  });

  test("goes from Provision to Cleanup, and gives each step the task and the number of the execution", async () => {
    const { workflow, seen, pathOf, ended } = await start();
    const id = newTaskId();
    expect(await workflow.start(id, 3)).toBe("started");
    await ended(id);
    expect(pathOf(id)).toEqual(["Provision", "AwaitReady", "Start", "Watch", "Complete", "Cleanup"]);
    for (const { input } of seen) expect(input).toMatchObject({ id, n: 3 });
  });

  test("an execution that runs is started once, however often it is asked for", async () => {
    const held = Promise.withResolvers<StepOutput>();
    const { workflow, pathOf, ended } = await start({ Provision: () => held.promise });
    const id = newTaskId();
    expect(await Promise.all([1, 1, 1].map((n) => workflow.start(id, n)))).toEqual(["started", "started", "started"]);
    await expect.poll(() => pathOf(id)).toEqual(["Provision"]);
    expect(await workflow.start(id, 1)).toBe("started");
    held.resolve(done);
    await ended(id);
    expect(pathOf(id).filter((state) => state === "Provision")).toHaveLength(1);
  });

  test("of one that has ended it says that it exists, or runs it again: never that one runs which does not", async () => {
    const { workflow, pathOf, ended } = await start();
    const id = newTaskId();
    await workflow.start(id, 1);
    await ended(id);
    // Its end is known a moment after its last step.
    const runs = () => pathOf(id).filter((state) => state === "Cleanup").length;
    await expect
      .poll(async () => (await workflow.start(id, 1)) === "exists" || runs() > 1, { timeout: 20_000 })
      .toBe(true);
    expect(await workflow.start(id, 2)).toBe("started");
  });

  test("executions of several tasks do not wait for each other", async () => {
    const held = Promise.withResolvers<StepOutput>();
    const first = newTaskId();
    const { workflow, pathOf, ended } = await start({
      Provision: async ({ id }) => (id === first ? held.promise : done),
    });
    const second = newTaskId();
    await workflow.start(first, 1);
    await workflow.start(second, 1);
    await ended(second);
    expect(pathOf(first)).toEqual(["Provision"]);
    held.resolve(done);
    await ended(first);
  });

  test("comes again where a step asks for it", async () => {
    const { workflow, pathOf, ended } = await start({
      AwaitReady: async (_, visit) => (visit < 3 ? again(0) : done),
      Watch: async (_, visit) => (visit < 2 ? again(0) : done),
    });
    const id = newTaskId();
    await workflow.start(id, 1);
    await ended(id);
    const count = (state: string) => pathOf(id).filter((each) => each === state).length;
    expect([count("AwaitReady"), count("Watch")]).toEqual([3, 2]);
  });

  test("makes the one call of a job that is one", async () => {
    const { workflow, pathOf, ended } = await start({ Start: async () => ({ ...done, synchronous: true }) });
    const id = newTaskId();
    await workflow.start(id, 1);
    await ended(id);
    expect(pathOf(id)).toContain("SynchronousCall");
  });

  test("leads a refusal to Fail, once and with its problem, and cleans up", async () => {
    const { workflow, seen, pathOf, ended } = await start({ Start: () => Promise.reject(refused) });
    const id = newTaskId();
    await workflow.start(id, 1);
    await ended(id);
    expect(pathOf(id)).toEqual(["Provision", "AwaitReady", "Start", "Fail", "Cleanup"]);
    const { failure } = seen.find(({ state }) => state === "Fail")?.input ?? {};
    expect(failure?.Error).toBe("StepRefused");
    expect(JSON.parse(failure?.Cause ?? "")).toMatchObject({ errorMessage: refused.message });
  });
}
