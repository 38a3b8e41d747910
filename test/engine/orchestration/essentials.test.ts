/** The shortest way through each kind of task that is made of others; flows.test.ts has the rest, on both stores. */
import { expect, it } from "vitest";
import { problem } from "../../../lib/contract/errors.ts";
import { items, nothing, systemsOn } from "./system.ts";

const open = systemsOn("SQLite");
const failed = { status: "failed", error: problem("task.agent_error", "no such thing") } as const;

it("a parallel.run answers with every item in order, failures among them, at one slot", async () => {
  await using system = await open({
    limits: { maxRunning: 1 },
    endOf: ({ position }) => (position === 1 ? failed : { result: { output: `did ${position}` } }),
  });
  const id = await system.parallel({ items: items(3), aggregate: "local" });
  expect(await system.settled(id)).toMatchObject({
    status: "succeeded",
    progress: { message: "3 of 3 done, 1 failed" },
    result: {
      individual_results: [{ result: "did 0" }, { success: false, error: "no such thing" }, { result: "did 2" }],
      aggregated: { result: "did 3" },
    },
  });
  await expect.poll(() => system.left()).toEqual(nothing);
});

it("a dialogue.run ends once one says that it is resolved", async () => {
  await using system = await open({
    endOf: ({ position }) => ({ result: { output: position === 1 ? "So. [RESOLVED]" : "Why?" } }),
  });
  const id = await system.dialogue({ requester: "local", responder: "local", topic: "why" });
  expect(await system.settled(id)).toMatchObject({
    status: "succeeded",
    result: { resolved: true, rounds: 1, final_answer: "So.", conversation: [{ message: "Why?" }, {}] },
  });
});

it("a cancel reaches all below", async () => {
  await using system = await open({ limits: { maxRunning: 2 }, durationMs: () => 3_600_000 });
  system.clock.join();
  const id = await system.parallel({ items: items(5), max_parallel: 3 });
  await system.service.cancel({ task_id: id });
  system.clock.leave();
  expect(await system.settled(id)).toMatchObject({ status: "cancelled" });
  await expect.poll(() => system.left()).toEqual(nothing);
});
