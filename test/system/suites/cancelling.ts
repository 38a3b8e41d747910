import { describe, it } from "vitest";
import { problemOf } from "../../mcp/clients.ts";
import { processesOf } from "../system.ts";
import type { SystemUnderTest } from "../under-test.ts";

/** What cancel_task does at every moment of a task's life. */
export function cancelling({ open, openHeld }: SystemUnderTest): void {
  describe("cancel_task", () => {
    it("cancels a queued task at once", async ({ expect, onTestFinished: atEnd }) => {
      const { client } = await open({ atEnd, narrow: true });
      const first = await client.command("sleep 600");
      const second = await client.command("true");
      expect(await client.must("cancel_task", { task_id: second })).toMatchObject({
        status: "cancelled",
        taskId: second,
      });
      expect(await client.status(second)).toMatchObject({ status: "cancelled" });
      await client.must("cancel_task", { task_id: first });
      expect(await client.ended(first)).toMatchObject({ status: "cancelled" });
    });

    it.for([
      ["provisioning", "Provision"],
      ["provisioning, its worker made", "AwaitReady"],
      ["starting", "Start"],
    ] as const)(
      "cancels a task that is %s, and starts nothing",
      async ([, state], { expect, onTestFinished: atEnd }) => {
        const { client, isThere, release } = await openHeld(state, { atEnd });
        const id = await client.command("echo must not run");
        await isThere;
        expect(await client.must("cancel_task", { task_id: id })).toMatchObject({ status: "cancelling" });
        release();
        expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
        expect(await client.log(id)).toBe("");
        await expect.poll(() => processesOf(id), { timeout: 30_000 }).toEqual([]);
      },
    );

    it("kills the whole process tree of a running task within the grace time", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { client } = await open({ atEnd });
      const stubborn =
        "trap '' TERM; (trap '' TERM; setsid sleep 600 & sleep 600) & echo up; while :; do sleep 1; done";
      const id = await client.command({ command: stubborn, shell: true });
      await client.until(id, ({ logLength }) => (logLength as number) > 0);
      expect((await processesOf(id)).length).toBeGreaterThan(2);
      expect(await client.must("cancel_task", { task_id: id })).toMatchObject({ status: "cancelling" });
      expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
      expect(await processesOf(id)).toEqual([]);
      expect(await client.log(id)).toBe("up\n");
      expect(await client.must("get_task_result", { task_id: id })).toMatchObject({ result: { cancelled: true } });
    });

    it("is refused once the task is completing, and the result stands", async ({ expect, onTestFinished: atEnd }) => {
      const { client, isThere, release } = await openHeld("Complete", { atEnd });
      const id = await client.command("echo done");
      await isThere;
      expect(await client.status(id)).toMatchObject({ status: "completing" });
      expect(problemOf(await client.call("cancel_task", { task_id: id }))).toMatchObject({ code: "task.terminal" });
      release();
      expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
    });

    it("says that a task is unknown", async ({ expect, onTestFinished: atEnd }) => {
      const { client } = await open({ atEnd });
      const reply = await client.call("cancel_task", { task_id: `task_${"0".repeat(32)}` });
      expect(problemOf(reply)).toMatchObject({ code: "task.not_found" });
    });
  });
}
