import { expect, test } from "vitest";
import type { Operation } from "../../../lib/contract/worker.ts";
import { CONTRACT } from "../../../lib/contract/worker.ts";
import { invokeOnce } from "../../../lib/engine/invocation-gate.ts";
import { endSessions } from "../../../lib/system/local/settling.ts";
import { makeTask } from "../../contract/make-task.ts";
import { idleAdapter, openPorts } from "../../mcp/ports.ts";

/** A platform that starts a machine for whatever invocation arrives, as AgentCore does. */
function platform() {
  const machines = new Set<string>();
  const onTheWay: (() => void)[] = [];
  const stops: string[] = [];
  const adapter = idleAdapter({
    invoke: ({ id }) =>
      new Promise((resolve) =>
        onTheWay.push(() => {
          machines.add(id);
          resolve({});
        }),
      ),
    stop: async ({ id }) => {
      stops.push(id);
      machines.delete(id);
    },
  });
  return { adapter, machines, onTheWay, stops };
}

test("a session is stopped again once what was on its way has arrived, and nothing more is sent to it", async () => {
  const { adapter, machines, onTheWay, stops } = platform();
  const ports = openPorts({ backends: { [adapter.name]: adapter } });
  const task = makeTask({
    status: "running",
    obligations: { session: "s" },
    session: { id: "s", state: "open", inFlight: {}, startAttemptedAtMs: 1, bootId: "b" },
    dueAtMs: 1,
  });
  await ports.store.create(task);
  const hello = (): Operation => ({ contract: CONTRACT, op: "hello" });
  const late = invokeOnce(ports, task.id, 10_000, hello);
  await expect.poll(() => onTheWay.length).toBe(1);

  const ending = endSessions(ports, task.id);
  await expect.poll(() => stops.length).toBe(1);
  await expect(invokeOnce(ports, task.id, 10_000, hello)).rejects.toMatchObject({ code: "session.closed" });
  // It arrives after the stop.
  onTheWay[0]?.();
  await late;
  expect(machines.size).toBe(1);
  await ending;
  expect(machines.size).toBe(0);
  expect(await ports.store.get(task.id)).toMatchObject({ status: "cancelling", session: { state: "closed" } });
});
