import { describe, it } from "vitest";
import type { SystemUnderTest } from "../under-test.ts";

/** Tasks that name a task that runs as their parent. */
export function families({ open }: SystemUnderTest): void {
  describe("a task that another dispatched", () => {
    it("runs in the other's slot where one task may run, and is cancelled with it", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const { client } = await open({ atEnd, narrow: true });
      const parent = await client.command("sleep 600");
      const ofParent = { metadata: { parentTaskId: parent } };
      await client.until(parent, ({ status }) => status === "running");
      const first = await client.command("true", ofParent);
      const stranger = await client.command("true");
      expect(await client.ended(first)).toMatchObject({ status: "succeeded", parent, depth: 1 });
      const second = await client.command("sleep 600", ofParent);
      await client.until(second, ({ status }) => status === "running");
      expect(await client.status(stranger)).toMatchObject({ status: "queued" });
      await client.must("cancel_task", { task_id: parent });
      for (const id of [parent, second]) expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
      expect(await client.ended(stranger)).toMatchObject({ status: "succeeded" });
    });
  });
}
