import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { progressTeller } from "../../../lib/engine/service/progress.ts";
import { makeTask, type TaskFields, withFields } from "../../contract/make-task.ts";
import { openPorts } from "../../mcp/ports.ts";

const timestamp = "2026-11-20T10:00:00.000Z";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A task that prints, and all that is told of it. */
async function watched() {
  const ports = openPorts();
  let task = makeTask({ owner: "me", status: "running" });
  await ports.store.create(task);
  const told: [number, string | undefined][] = [];
  const teller = progressTeller(ports, async (revision, message) => void told.push([revision, message]));
  const change = async (more: TaskFields) => {
    task = await ports.store.change(task.id, (current) => withFields(current, more));
    await teller.see(task);
    return task.revision;
  };
  await teller.see(task);
  let offset = 0;
  const print = async (text: string) => {
    await ports.store.appendLog([
      { taskId: task.id, offset, sequence: 100 + offset, stream: "stdout", timestamp, text },
    ]);
    offset += text.length;
    return await change({ logLength: offset });
  };
  return { ...teller, told, print, change, news: () => told.splice(0) };
}

test("of lines that come too soon the last is told when its time has come, though nothing follows it", async () => {
  const { print, news } = await watched();
  await vi.advanceTimersByTimeAsync(2000);
  const first = await print("A\n");
  expect(news().slice(1)).toEqual([[first, "running: A"]]);
  await vi.advanceTimersByTimeAsync(400);
  await print("B\n");
  await vi.advanceTimersByTimeAsync(599);
  const last = await print("C\n");
  expect(news()).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(news()).toEqual([[last, "running: C"]]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(news()).toEqual([]);
});

test("a line that waits is told with the news that overtake it, and not after them", async () => {
  const { print, change, news } = await watched();
  await print("A\n");
  news();
  const ended = await change({ status: "completing" });
  expect(news()).toEqual([[ended, "completing: A"]]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(news()).toEqual([]);
});

test("nothing is told, and no timer is left, once the wait has ended", async () => {
  const { print, end, news } = await watched();
  await print("A\n");
  expect(vi.getTimerCount()).toBe(1);
  news();
  await end();
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(news()).toEqual([]);
});

test("what cannot be told later than it came fails the next news, not the process", async () => {
  const ports = openPorts();
  const task = makeTask({ owner: "me", status: "running" });
  await ports.store.create(task);
  let tries = 0;
  const { see, end } = progressTeller(ports, async () => {
    if (++tries > 1) throw new Error("the caller has gone");
  });
  await see(task);
  await see({ ...task, revision: 2, logLength: 1 });
  await vi.advanceTimersByTimeAsync(1000);
  expect(tries).toBe(2);
  await expect(see(withFields(task, { revision: 3, status: "completing" }))).rejects.toThrow("the caller has gone");
  await end();
});
