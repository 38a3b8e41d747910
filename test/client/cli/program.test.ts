import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import type { Context } from "../../../lib/client/cli/context.ts";
import type { Departure } from "../../../lib/client/cli/interrupt.ts";
import type { LocalSystems, RunningSystem } from "../../../lib/client/cli/local-system.ts";
import { main } from "../../../lib/client/cli/program.ts";
import type { Json } from "../../../lib/contract/task.ts";
import { artifact, handle, TASK_ID as id, record, result } from "../replies.ts";
import { fakeEndpoint, fields, refusal } from "../sdk/fake-endpoint.ts";
import { memoryIo } from "./memory-io.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A context whose local system is the one that `found` says at the time. */
function makeContext(found: () => RunningSystem | undefined, patienceMs = 300) {
  const io = memoryIo();
  const local: LocalSystems = {
    stateDir: async () => "/state",
    idsBeginning: async () => [],
    find: async () => found(),
    read: () => Promise.reject(new Error("nothing is read here")),
    start: async () => {
      throw new Error("nothing is started here");
    },
  };
  let depart: (why: Departure) => void = () => {};
  const onDeparture: Context["onDeparture"] = (listener) => {
    depart = listener;
    return () => {};
  };
  const context: Context = { io, local, patienceMs, onDeparture, exit() {} };
  return { io, local, context, depart: (why: Departure) => depart(why) };
}

async function serve(answer: (tool: string, args: Json) => Promise<Json> | Json) {
  const server = await fakeEndpoint(answer);
  closers.push(server.close);
  return { ...server, pid: process.pid, forRun: false };
}

test("a run that loses the system for good says which task it was and how to come back", async () => {
  const server = await serve(async (tool) => {
    if (tool === "dispatch_task") return fields(handle());
    if (tool === "get_task_status") return fields({ ...record(), events: [] });
    // It dies while it is waited for.
    setImmediate(() => void server.close());
    return new Promise<Json>(() => {});
  });
  const { io, context } = makeContext(() => server);
  const place = "--state-dir '/its state'";
  expect(await main(["run", "--state-dir", "/its state", "--command", "sleep 9"], context)).toBe(1);
  expect(io.err()).toMatch(/^› no answer from the local system \(.*\); trying again for 0\.3 s$/m);
  expect(io.err()).toMatch(new RegExp(`^error: lost sight of ${id}: the local system refuses connections`, "m"));
  expect(io.err()).toMatch(
    new RegExp(`^hint: .*agent-dispatch local ${place} .*agent-dispatch status ${id} ${place} `, "m"),
  );
});

test("a clean-up that takes long is waited for, which is said, and Ctrl-C ends the workers and leaves", async () => {
  const artifacts = Array.from({ length: 30 }, (_, i) => artifact(`file-${i}`));
  const ended = { status: "failed", result: { exitCode: 4 } } as const;
  const server = await serve((tool) => {
    if (tool === "dispatch_task") return fields(handle());
    return fields(tool === "get_task_status" ? { ...record(ended), events: [] } : result({ ...ended, artifacts }));
  });
  const { io, local, context, depart } = makeContext(() => undefined);
  const done: string[] = [];
  local.start = async () => ({
    ...server,
    tokenFile: "/state/token",
    stateDir: "/state",
    runsCommands: true,
    placeFrom: () => ({}),
    untilIdle: () => new Promise(() => {}),
    settle: async (taskId, signal) => {
      if (!signal.aborted) await once(signal, "abort");
      return [`session of ${taskId}`];
    },
    endSessions: async (taskId) => void done.push(`ended ${taskId}`),
    close: async () => void done.push("closed"),
  });
  const code = main(["run", "--command", "make"], context);
  await expect
    .poll(io.err, { timeout: 10_000 })
    .toContain("› waiting until nothing is left of the task; Ctrl-C leaves\n");
  depart("interrupt");
  expect(await code).toBe(4);
  expect(io.err()).toMatch(/^✖ failed/m);
  // Nobody can be asked for more once this has ended.
  expect(io.err().match(/^› artifact file-\d+: /gm)).toHaveLength(30);
  expect(io.err()).toContain(`› still to be cleaned up: session of ${id}; the next start`);
  expect(done).toEqual([`ended ${id}`, "closed"]);
});

test("a refusal of the endpoint is told with its hint; 2 says that the call has to change", async () => {
  const error = {
    code: "idempotency.conflict",
    message: "another call has this key",
    retryable: false,
    hint: "use a new one",
  };
  const server = await serve(() => refusal(error));
  const { io, context } = makeContext(() => server);
  expect(await main(["run", "--command", "true", "--json"], context)).toBe(2);
  expect(io.err()).toContain("error: another call has this key\nhint: use a new one\n");
  expect(JSON.parse(io.out())).toEqual({ error });
});

test("a task that waits for input says so, and its artifacts and whole result are named at the end", async () => {
  const event = (sequence: number, type: string, message: string) => ({
    taskId: id,
    sequence,
    type,
    timestamp: "t",
    message,
  });
  const ended = record({ status: "succeeded", taskType: "agent.run" });
  const looks = [
    { ...record({ status: "input_required" }), events: [event(100, "task.input_required", "Which branch?")] },
    { ...ended, events: [event(101, "task.progress", "half")] },
    { ...ended, events: [] },
  ];
  const server = await serve((tool) => {
    if (tool === "spawn_cloud_agent") return fields(handle());
    if (tool === "get_task_status") return fields(looks.length > 1 ? (looks.shift() ?? {}) : { ...looks[0] });
    if (tool === "get_task_logs") return fields({ taskId: id, cursor: 0, nextCursor: 0, data: "" });
    if (tool === "get_task_result")
      return fields(
        result({
          result: { output: "All done." },
          resultRef: { uri: "file:///whole", sizeBytes: 1, sha256: "" },
          artifacts: [artifact("report.md", { sizeBytes: 2048 })],
        }),
      );
    return fields(record({ status: "input_required" }));
  });
  const { io, context } = makeContext(() => server);
  expect(await main(["run", "Merge it"], context)).toBe(0);
  expect(io.out()).toBe("All done.\n");
  for (const line of [
    "the task needs input: Which branch?",
    "half",
    "artifact report.md (2.0 kB): file:///f/report.md",
    "the whole result: file:///whole",
  ])
    expect(io.err()).toContain(`› ${line}\n`);
});

test("what is no error of ours is told in a line, without a stack", async () => {
  const { io, context } = makeContext(() => undefined);
  expect(await main(["run", "--command", "true"], context)).toBe(1);
  expect(io.err()).toMatch(/^error: .*nothing is started here/m);
  expect(io.err()).not.toMatch(/^\s+at /m);
});
