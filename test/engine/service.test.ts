import { describe, expect, test } from "vitest";
import { TaskService } from "../../lib/engine/service.ts";
import { makeTask } from "../contract/make-task.ts";
import { openPorts } from "../mcp/ports.ts";

describe("the service", () => {
  test("gives nothing away of what is behind it", () => {
    const tasks = new TaskService(openPorts(), "me");
    expect(Reflect.ownKeys(tasks)).toEqual([]);
    expect(JSON.stringify(tasks)).toBe("{}");
  });

  test("knows the tasks of its owner and no others, whatever is asked of them", async () => {
    const ports = openPorts();
    const mine = makeTask({ owner: "me", id: `task_${"a".repeat(32)}` });
    const theirs = makeTask({ owner: "somebody else", id: `task_${"b".repeat(32)}` });
    for (const task of [mine, theirs]) await ports.store.create(task);
    const tasks = new TaskService(ports, "me");
    for (const method of ["status", "logs", "result", "wait", "cancel"] as const)
      await expect(tasks[method]({ task_id: theirs.id })).rejects.toMatchObject({ code: "task.not_found" });
    expect(await ports.store.get(theirs.id)).toMatchObject({ status: "queued", revision: theirs.revision });
    expect(await tasks.list({})).toMatchObject({ items: [{ id: mine.id }] });
    expect(await tasks.status({ task_id: mine.id })).toMatchObject({ owner: "me" });
  });
});
