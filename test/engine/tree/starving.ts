import { expect, it } from "vitest";
import { hasEnded } from "../../../lib/contract/task.ts";
import { childId } from "../../../lib/engine/orchestration/children.ts";
import { TaskService } from "../../../lib/engine/service.ts";
import { place } from "../orchestration/system.ts";
import { type Kind, planesOn } from "./planes.ts";

const DEEPEST = 5;

/** Where one task may run, and each task waits for those that it dispatched. */
export function starvingOn(kind: Kind): void {
  const plane = planesOn(kind);

  it.each([
    ["one below the other", () => false],
    ["tasks that are made of others in between", (depth: number) => depth % 3 === 0],
  ])("five levels deep all run, at one slot: %s", async (_, isMadeOfOthers) => {
    const { spawn, run, end, clean, ports, owner, read, statuses } = plane({ maxRunning: 1, maxDepth: DEEPEST });
    const service = new TaskService(ports, owner);
    const running = async () => (await ports.store.listSlots(owner)).running;
    /** As a job waits that has only our tools. */
    const ended = async (id: string) => {
      for (;;) {
        const seen = await service.wait({ task_id: id });
        if (!seen.timedOutWaiting) return seen.status;
      }
    };
    const ran: number[] = [];

    /** Two that are dispatched as items of one task, or one alone. */
    async function dispatchBelow(parent: string, depth: number): Promise<{ id: string; children: string[] }> {
      if (!isMadeOfOthers(depth)) {
        const id = await spawn({ parent });
        return { id, children: [id] };
      }
      const input = { items: [{ instruction: `a ${parent}` }, { instruction: `b ${parent}` }], max_parallel: 2 };
      const metadata = { parentTaskId: parent };
      const { taskId } = await service.dispatch({ ...place, task_type: "parallel.run", input, metadata });
      return { id: taskId, children: [await childId(taskId, 0), await childId(taskId, 1)] };
    }

    async function live(id: string): Promise<void> {
      const { status, depth } = await read(id);
      expect([depth, status]).toEqual([depth, "provisioning"]);
      expect(await running()).toEqual([id]);
      await run(id);
      ran.push(depth);
      if (depth < DEEPEST) {
        const below = await dispatchBelow(id, depth);
        const waited = ended(below.id);
        // Those that are dispatched at the same time begin in any order.
        for (let left = below.children; left.length > 0; ) {
          const begun = await statuses(...left);
          const child = left[begun.indexOf("provisioning")] ?? "";
          expect(child, `one of ${begun}`).not.toBe("");
          await live(child);
          left = left.filter((id) => id !== child);
        }
        expect(await waited).toBe("succeeded");
      }
      expect(await running()).toEqual([id]);
      await end(id);
      await clean(id);
    }

    const root = await spawn();
    const stranger = await spawn();
    await live(root);
    expect(Math.max(...ran)).toBe(DEEPEST);
    expect(ran).toHaveLength(isMadeOfOthers(0) ? 1 + 2 + 2 + 4 : 6);
    expect(await statuses(stranger)).toEqual(["provisioning"]);
    const { items } = await ports.store.list(owner, { limit: 100 });
    expect(items.filter((task) => !hasEnded(task)).map(({ id }) => id)).toEqual([stranger]);
  });
}
