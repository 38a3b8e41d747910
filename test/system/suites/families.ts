import { writeFileSync } from "node:fs";
import { join } from "node:path";
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
      const second = await client.command("sleep 601", ofParent);
      await client.until(second, ({ status }) => status === "running");
      expect(await client.status(stranger)).toMatchObject({ status: "queued" });
      await client.must("cancel_task", { task_id: parent });
      for (const id of [parent, second]) expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
      expect(await client.ended(stranger)).toMatchObject({ status: "succeeded" });
    });
  });
}

/** What becomes of tasks that a task dispatched, once that has ended. */
export function outliving({ open }: SystemUnderTest): void {
  describe("a task that another dispatched", () => {
    it("does not outlive it, whatever ends that, and whoever died meanwhile", async ({
      expect,
      onTestFinished: atEnd,
    }) => {
      const opened = await open({ atEnd });
      const { client: first, folder } = opened;
      let jobs = 0;
      const below = (parent?: string) => (parent === undefined ? {} : { metadata: { parentTaskId: parent } });
      /** One that ends when it is told to. */
      const told = async (name: string, parent?: string) => {
        const command = `until [ -e '${join(folder, name)}' ]; do sleep 0.2; done`;
        const id = await first.command({ command, shell: true }, below(parent));
        await first.until(id, ({ status }) => status === "running");
        return id;
      };
      const long = async (parent: string) => first.command(`sleep ${600 + jobs++}`, below(parent));
      const root = await told("root");
      const [left, right] = [await told("left", root), await told("right", root)];
      const leaves = [await long(left), await long(left), await long(right), await long(right), await long(root)];
      const client = await opened.restart();
      await client.must("cancel_task", { task_id: left });
      for (const id of [left, ...leaves.slice(0, 2)])
        expect(await client.ended(id)).toMatchObject({ status: "cancelled" });
      writeFileSync(join(folder, "right"), "");
      expect(await client.ended(right)).toMatchObject({ status: "succeeded" });
      for (const id of leaves.slice(2, 4))
        expect(await client.ended(id)).toMatchObject({ status: "cancelled", depth: 2 });
      expect(await client.status(root)).toMatchObject({ status: "running" });
      writeFileSync(join(folder, "root"), "");
      expect(await client.ended(root)).toMatchObject({ status: "succeeded" });
      expect(await client.ended(leaves[4] ?? "")).toMatchObject({ status: "cancelled" });
      await expect(client.command("true", below(root))).rejects.toThrow("task.terminal");
    });
  });
}
