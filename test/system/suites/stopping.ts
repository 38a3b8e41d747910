import { describe, it } from "vitest";
import type { Json } from "../../../lib/contract/task.ts";
import { processesOf } from "../system.ts";
import type { SystemUnderTest } from "../under-test.ts";

/** What list_sessions, stop_all and admission do, for one owner. */
export function stopping({ open, openHeld }: SystemUnderTest): void {
  describe("stop_all", () => {
    it("changes nothing without a confirmation, and says what it would stop", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { client } = await open({ atEnd, narrow: true });
      expect(await client.must("stop_all", {})).toMatchObject({ confirmed: false, queued: 0, sessions: [] });
      const running = await client.command("sleep 600");
      await client.until(running, ({ status }) => status === "running");
      const queued = await client.command("true");
      const answer = await client.must("stop_all", { confirm: false });
      expect(answer).toMatchObject({
        confirmed: false,
        queued: 1,
        sessions: [
          { taskId: running, status: "running", state: "running", bills: true, summary: "sleep 600" },
          { taskId: queued, status: "queued", state: "waiting", bills: false },
        ],
        hint: expect.stringContaining("confirm: true"),
      });
      const ofBoth = (answer.sessions as Json[]).map(({ taskId, sessionId }) =>
        expect.objectContaining({ taskId, ...(sessionId !== undefined && { sessionId }) }),
      );
      expect(await client.must("list_sessions", {})).toMatchObject({ items: ofBoth, queued: 1 });
      expect(await client.status(running)).toMatchObject({ status: "running" });
      expect(await client.status(queued)).toMatchObject({ status: "queued" });
    });

    it("cancels what waits and what runs, ends the sessions, and says what it has seen to be over", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { client } = await open({ atEnd, narrow: true });
      // One that takes no notice of being told.
      const stubborn = "trap '' TERM; (trap '' TERM; setsid sleep 600 &) ; echo up; while :; do sleep 1; done";
      const running = await client.command({ command: stubborn, shell: true });
      await client.until(running, ({ logLength }) => (logLength as number) > 0);
      const queued = await client.command("echo must not run");
      const { items } = await client.must("list_sessions", {});
      const { sessionId } = (items as { sessionId: string }[])[0] as { sessionId: string };

      const answer = await client.must("stop_all", { confirm: true, wait_seconds: 45 });
      expect(answer).toMatchObject({
        confirmed: true,
        cancelled: 2,
        verified: [{ taskId: running, what: "session", name: sessionId }],
        underway: [],
        unverified: [],
      });
      expect(answer.hint).toBeUndefined();
      expect(await processesOf(running)).toEqual([]);
      expect(await client.status(running)).toMatchObject({ status: "cancelled" });
      expect(await client.status(queued)).toMatchObject({ status: "cancelled" });
      expect(await client.log(running)).toBe("up\n");
      expect(await client.log(queued)).toBe("");
      expect(await client.must("list_sessions", {})).toEqual({ items: [], queued: 0 });
      // What comes after it is not stopped.
      const next = await client.command("echo after");
      expect(await client.ended(next)).toMatchObject({ status: "succeeded" });
    });

    it("stops what a job has dispatched, and what waits below it", async ({ expect, onTestFinished: atEnd }) => {
      const { client } = await open({ atEnd });
      const parent = await client.command("sleep 600");
      const child = await client.command("sleep 601", { metadata: { parentTaskId: parent } });
      for (const id of [parent, child]) await client.until(id, ({ status }) => status === "running");
      const answer = await client.must("stop_all", { confirm: true, wait_seconds: 45 });
      expect(answer).toMatchObject({ cancelled: 2, underway: [], unverified: [] });
      expect((answer.verified as { taskId: string }[]).map(({ taskId }) => taskId).sort()).toEqual(
        [parent, child].sort(),
      );
      for (const id of [parent, child]) expect(await processesOf(id)).toEqual([]);
    });

    it.for(["Provision", "AwaitReady", "Start"])(
      "leaves nothing of a task that is at the state %s in that moment",
      async (state, { expect, onTestFinished: atEnd }) => {
        const { client, isThere, release } = await openHeld(state, { atEnd });
        const id = await client.command("echo must not run");
        await isThere;
        expect(await client.must("stop_all", { confirm: true, wait_seconds: 5 })).toMatchObject({ cancelled: 1 });
        expect(await client.status(id)).toMatchObject({ status: "cancelled" });
        release();
        await expect
          .poll(() => client.must("list_sessions", {}), { timeout: 60_000 })
          .toEqual({ items: [], queued: 0 });
        expect(await client.log(id)).toBe("");
        await expect.poll(() => processesOf(id), { timeout: 30_000 }).toEqual([]);
      },
    );

    it("leaves nothing behind while tasks are being dispatched", async ({ expect, onTestFinished: atEnd }) => {
      const { client } = await open({ atEnd });
      const dispatching = Array.from({ length: 6 }, () => client.command("sleep 600"));
      const first = client.must("stop_all", { confirm: true, wait_seconds: 45 });
      const ids = await Promise.all(dispatching);
      await first;
      // Those that came after it.
      const answer = await client.must("stop_all", { confirm: true, wait_seconds: 45 });
      expect(answer).toMatchObject({ underway: [], unverified: [] });
      for (const id of ids) {
        expect(await client.status(id)).toMatchObject({ status: "cancelled" });
        expect(await processesOf(id)).toEqual([]);
      }
      expect(await client.must("list_sessions", {})).toEqual({ items: [], queued: 0 });
    });

    it("lets a job that has ended keep its result", async ({ expect, onTestFinished: atEnd }) => {
      const { client, isThere, release } = await openHeld("Complete", { atEnd });
      const id = await client.command("echo done");
      await isThere;
      await client.must("stop_all", { confirm: true, wait_seconds: 2 });
      release();
      expect(await client.ended(id)).toMatchObject({ status: "succeeded", result: { exitCode: 0 } });
    });
  });

  describe("set_admission", () => {
    it("is paused and resumed: what comes meanwhile waits, what runs goes on, and what waits begins at once", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { client } = await open({ atEnd });
      const running = await client.command({ command: "read line; echo went on", shell: true, stdin: "go\n" });
      const parent = await client.command("sleep 600");
      await client.until(parent, ({ status }) => status === "running");
      const paused = await client.must("set_admission", { action: "pause" });
      expect(paused).toMatchObject({ paused: [{ by: "owner" }], queued: 0 });
      const waiting = await client.command("echo began");
      const child = await client.command("echo a child", { metadata: { parentTaskId: parent } });
      expect(await client.status(waiting)).toMatchObject({ status: "queued", admissionPausedBy: ["owner"] });
      expect(await client.ended(running)).toMatchObject({ status: "succeeded" });
      expect(await client.must("set_admission", {})).toMatchObject({ paused: [{ by: "owner" }], queued: 2 });
      expect(await client.must("list_sessions", {})).toMatchObject({ paused: [{ by: "owner" }], queued: 2 });
      for (const id of [waiting, child]) expect(await client.status(id)).toMatchObject({ status: "queued" });

      expect(await client.must("set_admission", { action: "resume" })).toMatchObject({ paused: [], queued: 0 });
      const { status, admissionPausedBy } = await client.status(waiting);
      expect([status, admissionPausedBy]).not.toContain("queued");
      for (const id of [waiting, child]) expect(await client.ended(id)).toMatchObject({ status: "succeeded" });
      expect(await client.must("set_admission", { action: "status" })).toEqual({ paused: [], queued: 0 });
      await client.must("cancel_task", { task_id: parent });
    });
  });
}
