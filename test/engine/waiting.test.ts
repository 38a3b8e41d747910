/** Many who wait for one task in one process. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Task } from "../../lib/contract/task.ts";
import { waitForTask } from "../../lib/engine/poll/waiting.ts";
import { TaskService } from "../../lib/engine/service.ts";
import { makeTask } from "../contract/make-task.ts";
import { countedStore } from "../fixtures/counted-store.ts";
import { openPorts } from "../mcp/ports.ts";

const WAITERS = 200;
const LINES = 20;

/** A task that runs, and that somebody else asks; the calls of its store are counted. */
async function running() {
  const ports = openPorts();
  const task = makeTask({
    status: "running",
    session: { id: "s", state: "open", inFlight: {}, startAttemptedAtMs: 1 },
    lease: { holder: "another", untilMs: ports.now() + 3_600_000 },
  });
  await ports.store.create(task);
  const { store, calls } = countedStore(ports.store);
  const { id } = task;
  const write = (edit: (task: Task) => Task) => ports.store.change(id, edit);
  return { ports: { ...ports, store }, id, write, calls };
}

describe("two hundred who wait for one task", () => {
  it("are served by one reader, and all see how it ends", async () => {
    const { ports, id, write, calls } = await running();
    const seen = Array.from({ length: WAITERS }, () => new Set<number>());
    const waits = seen.map((lengths) =>
      waitForTask(ports, id, {
        timeoutSeconds: 60,
        until: ({ logLength }) => logLength === LINES,
        onChange: ({ logLength }) => void lengths.add(logLength),
      }),
    );
    for (let line = 1; line <= LINES; line++) {
      await write((task) => ({ ...task, logLength: line }));
      await expect.poll(() => seen.every((lengths) => lengths.has(line)), { interval: 1 }).toBe(true);
    }
    for (const { task, timedOut } of await Promise.all(waits)) {
      expect(timedOut).toBe(false);
      expect(task.logLength).toBe(LINES);
    }
    // Each reads the task once when it comes; what follows is read for all.
    for (const name of ["get", "change", "waitForChange"])
      expect(calls[name], name).toBeLessThan((name === "get" ? WAITERS : 0) + 5 * LINES);
  });

  it("leave one by one, when their time is over or they are gone, and nobody else is held up by it", async () => {
    const { ports, id, write } = await running();
    const gone = new AbortController();
    const until = ({ logLength }: Task) => logLength > 0;
    const short = waitForTask(ports, id, { timeoutSeconds: 0.05, until });
    const aborted = waitForTask(ports, id, { timeoutSeconds: 60, until, signal: gone.signal });
    const long = waitForTask(ports, id, { timeoutSeconds: 60, until });
    expect(await short).toMatchObject({ timedOut: true });
    gone.abort();
    expect(await aborted).toMatchObject({ timedOut: true });
    await write((task) => ({ ...task, logLength: 7 }));
    expect(await long).toMatchObject({ timedOut: false, task: { logLength: 7 } });
    expect(await waitForTask(ports, id, { timeoutSeconds: 60, until })).toMatchObject({ timedOut: false });
  });

  it("all hear that the task is gone, or that the store fails", async () => {
    const { ports, id } = await running();
    const failing = { ...ports, store: { ...ports.store, get: ports.store.get } };
    let isDown = false;
    failing.store.get = async (wanted) => {
      if (isDown) throw new Error("the store went away");
      return ports.store.get(wanted);
    };
    failing.store.waitForChange = async () => void (await sleep(1));
    failing.store.change = ports.store.change;
    const waits = Array.from({ length: 3 }, () =>
      waitForTask(failing, id, { timeoutSeconds: 60, until: () => false }).catch(String),
    );
    await sleep(5);
    isDown = true;
    expect(await Promise.all(waits)).toEqual(Array.from({ length: 3 }, () => "Error: the store went away"));
  });
});

describe("two hundred who follow one log", () => {
  it("are answered with what has gathered, not once for each line", async () => {
    const { ports, id, write } = await running();
    const text = "line\n";
    let offset = 0;
    let isOver = false;
    const printing = (async () => {
      for (let line = 0; line < 2 * LINES; line++) {
        const chunk = { taskId: id, offset, sequence: 100 + line, stream: "stdout", timestamp: "", text };
        await ports.store.appendLog([chunk]);
        offset += text.length;
        await write((task) => ({ ...task, logLength: offset }));
        await sleep(10);
      }
      isOver = true;
    })();
    const tasks = new TaskService(ports, "local");
    let replies = 0;
    const follow = async () => {
      for (let cursor = 0, whole = ""; ; ) {
        const isLast = isOver;
        const raw = { task_id: id, cursor, ...(!isLast && { wait_seconds: 1 }) };
        const reply = await tasks.logs(raw);
        replies += 1;
        whole += reply.data;
        cursor = reply.nextCursor;
        if (isLast) return whole;
      }
    };
    const logs = await Promise.all(Array.from({ length: WAITERS }, follow));
    await printing;
    expect(new Set(logs)).toEqual(new Set([text.repeat(2 * LINES)]));
    expect(replies / WAITERS).toBeLessThan(LINES);
  });
});
