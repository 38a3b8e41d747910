import { describe, expect, it } from "vitest";
import { dialogueAnswer, parallelAnswer } from "../../../lib/contract/orchestration/answers.ts";
import { hasEnded, isSettled, type Task } from "../../../lib/contract/task.ts";
import { randomHex } from "../../../lib/contract/task-id.ts";
import type { Ports } from "../../../lib/engine/ports.ts";
import { recoverAll } from "../../../lib/engine/recovery.ts";
import { openTaskStore } from "../../../lib/store/dynamodb/task-store.ts";
import type { TaskStore } from "../../../lib/store/port.ts";
import { mortalPorts } from "../../fixtures/mortal-ports.ts";
import { type Ending, nothingLeft, type Plane, plane } from "./plane.ts";
import { items, onDynalite } from "./system.ts";

const most = 400;
/** A bound on what hangs: on DynamoDB each of hundreds of deaths takes dozens of requests. */
const timeout = 900_000;

/**
 * A process that begins a task, takes the steps of what it is made of and cancels, and dies after each of its writes in turn:
 * whatever it left, others bring to the same end. `stride` leaves some of the writes out.
 */
export function dyingOn(kind: "SQLite" | "DynamoDB", stride: number): void {
  const table = onDynalite(kind);

  /** Opens a plane of its own for each death, and has the process die after its first write, its second, and so on. */
  async function everywhere(scenario: (own: Plane, by: Ports, died: { yet: boolean }) => Promise<void>): Promise<void> {
    const at = table();
    const shared: TaskStore | undefined = at && openTaskStore(at);
    for (let dies = 1; dies < most; dies += stride) {
      const own = plane({ owner: `owner-${randomHex(6)}`, maxRunning: 2, ...(shared && { store: shared }) });
      const mortal = mortalPorts(own.ports, { dies });
      await scenario(own, mortal, mortal.died);
      if (mortal.died.yet) continue;
      expect(dies).toBeGreaterThan(20);
      return;
    }
    throw new Error("the scenario does not come to an end");
  }

  /** Steps of children, by the process that may die, until it does or all is over. */
  async function run(own: Plane, by: Ports, died: { yet: boolean }, ending: Ending): Promise<void> {
    for (let round = 0; round < 100 && !died.yet; round++) {
      const open = (await own.all()).filter((task) => !isSettled(task));
      if (open.length === 0) return;
      for (const task of open) {
        if (died.yet) return;
        await own.work(task, by, ending).catch((error) => died.yet || Promise.reject(error));
      }
    }
  }

  /** The one task of its owner that is made of others, if it was made. */
  const whole = async (own: Plane): Promise<Task | undefined> => (await own.all()).find((task) => task.orchestration);

  async function assertOver(own: Plane): Promise<void> {
    expect(await own.left()).toEqual(nothingLeft);
    expect(own.twice()).toEqual([]);
  }

  describe("a process that dies after any of its writes", () => {
    it("leaves a parallel.run that others end with the same answer, each item once", { timeout }, () =>
      everywhere(async (own, by, died) => {
        const input = { items: items(3), max_parallel: 2, aggregate: "local" };
        const call = own.call("parallel.run", input, { idempotency_key: "one" });
        const ending: Ending = (position) => (position === 1 ? "failed" : "succeeded");
        await own
          .service(by)
          .dispatch(call)
          .catch(() => {});
        await run(own, by, died, ending);
        // Whoever has no answer sends the call again.
        const { taskId } = await own.service().dispatch(call);
        await own.drain(ending);
        const task = await own.read(taskId);
        expect((await own.all()).map(({ id }) => id)).toHaveLength(5);
        expect(task).toMatchObject({ status: "succeeded", usage: { costUsd: 4 } });
        const { individual_results, aggregated } = parallelAnswer.parse(task.result);
        expect(individual_results.map(({ result, status }) => [result, status])).toEqual([
          ["did 0", "succeeded"],
          ["did 1", "failed"],
          ["did 2", "succeeded"],
        ]);
        expect(aggregated).toMatchObject({ success: true, result: "did 3" });
        const events = await own.ports.store.listEvents(taskId, 0, 100);
        const numbers = events.map(({ sequence }) => sequence).filter((n) => n >= 100 && n < 1e9);
        expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 100 + i));
        expect(numbers.at(-1)).toBe(task.workerSequence);
        expect(events.at(-1)?.type).toBe("task.succeeded");
        await assertOver(own);
      }),
    );

    it("leaves a dialogue.run that others end, each turn once", { timeout }, () =>
      everywhere(async (own, by, died) => {
        const input = { requester: "local", responder: "local", topic: "why", max_rounds: 2 };
        await own
          .service(by)
          .dispatch(own.call("dialogue.run", input))
          .catch(() => {});
        await run(own, by, died, () => "succeeded");
        await own.drain();
        const task = await whole(own);
        if (!task) return;
        expect(task.status).toBe("succeeded");
        const { conversation } = dialogueAnswer.parse(task.result);
        expect(conversation.map(({ message }) => message)).toEqual(["did 0", "did 1", "did 2", "did 3"]);
        await assertOver(own);
      }),
    );

    it("leaves none running of one with fail_fast, nor of one that is cancelled", { timeout }, () =>
      everywhere(async (own, by, died) => {
        const input = { items: items(5), max_parallel: 3, fail_fast: true };
        await own.service().dispatch(own.call("parallel.run", input));
        const failed = await own.service().dispatch(own.call("parallel.run", input));
        const [first] = await own.children(failed.taskId, 1);
        const cancelled = (await own.all()).find(({ orchestration, id }) => orchestration && id !== failed.taskId);
        for (let step = 0; step < 2 && first; step++)
          await own.work(await own.read(first.id), by, () => "failed").catch(() => {});
        if (!died.yet)
          await own
            .service(by)
            .cancel({ task_id: cancelled?.id })
            .catch(() => {});
        // Whatever was stopped is stopped below as well by whoever comes next, not only once its parts have ended by themselves.
        const wholes = [failed.taskId, cancelled?.id ?? ""];
        await recoverAll(own.ports, wholes);
        for (const id of wholes) {
          const goingOn = (await own.children(id, 5)).filter((child) => child && !hasEnded(child) && !child.calledOff);
          if ((await own.read(id)).calledOff) expect(goingOn).toEqual([]);
        }
        await run(own, by, died, () => "failed");
        const isCancelled = (await own.read(cancelled?.id ?? "")).calledOff;
        if (died.yet && !isCancelled)
          await own
            .service()
            .cancel({ task_id: cancelled?.id })
            .catch(() => {});
        await own.drain(() => "failed");
        const ends = [await own.read(failed.taskId), await own.read(cancelled?.id ?? "")];
        for (const task of ends) {
          expect(["failed", "cancelled"]).toContain(task.status);
          const results = parallelAnswer.parse(task.result).individual_results;
          const children = await own.children(task.id, 5);
          expect(results.map(({ status }) => status)).toEqual(children.map((child) => child?.status ?? "not_begun"));
          expect(results.some(({ success }) => success)).toBe(false);
        }
        await assertOver(own);
      }),
    );
  });
}
