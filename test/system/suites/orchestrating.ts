import { describe, it } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import type { OpenedSystem, SystemUnderTest } from "../under-test.ts";

/** Tasks that are made of others. Their agents say back what they were asked. */
export function orchestrating({ open }: SystemUnderTest): void {
  const items = (count: number): Json[] =>
    Array.from({ length: count }, (_, i) => ({ instruction: `job ${i}`, runtime: "echo" }));

  /** Dispatches one where nothing but the account has to be said. */
  async function dispatch({ client }: OpenedSystem, task_type: string, input: Json): Promise<string> {
    const { items: accounts } = await client.must("list_account_profiles", {});
    const [{ name, provider } = {}] = accounts as Json[];
    const place = { provider, account_profile: name, capability: "agent-runtime", target: { mode: "session" } };
    const { taskId, status } = await client.must("dispatch_task", { ...place, task_type, input });
    if (status !== "running") throw new Error(`it is ${status}`);
    return taskId as string;
  }

  describe("a task that is made of others", () => {
    it("runs agents in parallel and has one make an answer of theirs", async ({ expect, onTestFinished: atEnd }) => {
      const opened = await open({ atEnd });
      const { client } = opened;
      const aggregate = { runtime: "echo", instruction: "sum up" };
      const id = await dispatch(opened, "parallel.run", { items: items(3), max_parallel: 2, aggregate });
      expect(await client.ended(id)).toMatchObject({
        status: "succeeded",
        progress: { message: "3 of 3 done" },
        result: {
          individual_results: [0, 1, 2].map((i) => ({
            agent: "echo",
            success: true,
            result: expect.stringContaining(`job ${i}`),
          })),
          aggregated: { success: true, result: expect.stringContaining("sum up") },
        },
      });
      const types = (await client.events(id)).map(({ type }) => type);
      expect(types.filter((type) => type !== "task.progress")).toEqual([
        "task.created",
        "task.started",
        "task.result",
        "task.succeeded",
      ]);
    });

    it("has two agents talk", async ({ expect, onTestFinished: atEnd }) => {
      const opened = await open({ atEnd });
      const talk = { requester: "echo", responder: "echo", topic: "why is the sky blue", max_rounds: 1 };
      const id = await dispatch(opened, "dialogue.run", talk);
      expect(await opened.client.ended(id)).toMatchObject({
        status: "succeeded",
        result: { rounds: 1, conversation: [{ role: "responder" }, { role: "requester" }] },
      });
    });

    it("goes on after its control plane was killed, each item once", async ({ expect, onTestFinished: atEnd }) => {
      const opened = await open({ atEnd });
      const id = await dispatch(opened, "parallel.run", { items: items(4), max_parallel: 2 });
      const done = ({ progress }: Json) => Number((progress as Json & { payload: Json }).payload.succeeded);
      await opened.client.until(id, (task) => done(task) >= 1);
      const client = await opened.restart();
      const task = await client.ended(id);
      expect(task).toMatchObject({ status: "succeeded", progress: { message: "4 of 4 done" } });
      const { items: all } = await client.must("list_tasks", { limit: 100 });
      expect((all as Json[]).filter(({ parent }) => parent === id)).toHaveLength(4);
    });

    it("is cancelled with what it is made of", async ({ expect, onTestFinished: atEnd }) => {
      const opened = await open({ atEnd });
      const { client } = opened;
      const id = await dispatch(opened, "parallel.run", { items: items(30), max_parallel: 1 });
      await client.must("cancel_task", { task_id: id });
      const task = await client.ended(id);
      expect(task).toMatchObject({ status: "cancelled" });
      const { individual_results } = task.result as { individual_results: Json[] };
      expect(individual_results).toHaveLength(30);
      expect(individual_results.at(-1)).toMatchObject({ status: "not_begun" });
    });
  });
}
