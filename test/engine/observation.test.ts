import { expect, test } from "vitest";
import type { Decision } from "../../lib/contract/observation/decision.ts";
import type { Observer } from "../../lib/contract/observation/observer.ts";
import { transition } from "../../lib/contract/task.ts";
import { FIRST_WORKER_SEQUENCE } from "../../lib/contract/worker.ts";
import { observedStore } from "../../lib/engine/observation/observed-store.ts";
import { tellQueueDepth } from "../../lib/engine/observation/queue-depth.ts";
import { recoverDue } from "../../lib/engine/recovery.ts";
import { makeTask } from "../contract/make-task.ts";
import { openPorts } from "../mcp/ports.ts";

const START = Date.parse("2026-01-01T00:00:00Z");

/** A store that is observed, with a clock that stands still until it is moved. */
function observed() {
  let nowMs = START;
  const told: Decision[] = [];
  const observe: Observer = {
    during: (_facts, work) => work(),
    about() {},
    decided: (decision) => void told.push(decision),
  };
  const now = () => nowMs;
  const advance = (ms: number) => {
    nowMs += ms;
  };
  const opened = openPorts({ now });
  const ports = { ...opened, observe, store: observedStore(opened.store, observe, now) };
  return { ports, inner: opened.store, now, told, advance };
}

const queued = (changes: Parameters<typeof makeTask>[0] = {}) =>
  makeTask({ createdAt: new Date(START).toISOString(), phases: { queued: new Date(START).toISOString() }, ...changes });

test("a task is told of once it is there, and not again when it was there already", async () => {
  const { ports, told, advance } = observed();
  const task = queued({ trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" });
  advance(20);
  await ports.store.create(task);
  await ports.store.create(task);
  const { id: taskId, owner, trace, profile, backend, taskType } = task;
  expect(told).toEqual([{ decision: "dispatched", taskId, owner, trace, ms: 20, profile, backend, taskType }]);
});

test("a write tells what it decided: how long the status was, what is owed, and nothing where it changed nothing", async () => {
  const { ports, told, advance, now } = observed();
  const task = queued();
  await ports.store.create(task);
  told.length = 0;
  advance(300);
  await ports.store.change(task.id, (current) => ({
    ...transition(current, "provisioning", now()),
    obligations: { slot: "local" },
  }));
  await ports.store.change(task.id, () => undefined);
  await ports.store.change(task.id, (current) => ({ ...current, providerRefs: { a: "b" } }));
  const of = { taskId: task.id, owner: task.owner };
  expect(told).toEqual([
    { decision: "moved", ...of, ms: 300, from: "queued", to: "provisioning" },
    { decision: "owed", ...of, obligation: "slot" },
  ]);
});

test("of two who want the same, only the one whose write it was is told of", async () => {
  const { ports, inner, told, now } = observed();
  const task = queued();
  await ports.store.create(task);
  told.length = 0;
  const begin = (store: typeof inner) =>
    store.change(task.id, (current) =>
      current.status === "queued" ? transition(current, "provisioning", now()) : undefined,
    );
  await Promise.all([begin(ports.store), begin(ports.store)]);
  expect(told).toMatchObject([{ decision: "moved", to: "provisioning" }]);
});

test("the first event, the end and the last obligation are told, each with its time", async () => {
  const { ports, told, advance, now } = observed();
  const task = queued({ status: "running", obligations: { session: "s" } });
  await ports.store.create(task);
  told.length = 0;
  advance(1000);
  for (let sequence = FIRST_WORKER_SEQUENCE; sequence < FIRST_WORKER_SEQUENCE + 3; sequence++)
    await ports.store.change(task.id, (current) => ({ ...current, workerSequence: sequence }));
  advance(500);
  const error = { code: "task.exit_code", message: "it ended with 3", retryable: false } as const;
  await ports.store.change(task.id, (current) => transition(current, "failed", now(), { error }));
  advance(70);
  await ports.store.change(task.id, (current) => ({ ...current, obligations: {} }));
  expect(told).toMatchObject([
    { decision: "first_event", ms: 1000 },
    { decision: "ended", from: "running", to: "failed", totalMs: 1500, code: "task.exit_code" },
    { decision: "settled", ms: 70 },
  ]);
  expect(JSON.stringify(told)).not.toContain("it ended with 3");
});

test("what the janitor brings on is told, with the attempt and how late it is, also of a task that is over", async () => {
  const { ports, told, advance } = observed();
  await ports.store.create(queued({ status: "running", dueAtMs: START + 1000 }));
  await ports.store.create(queued({ status: "succeeded", obligations: { runtime: "r" }, dueAtMs: START + 2000 }));
  told.length = 0;
  advance(61_000);
  await recoverDue(ports);
  expect(told).toMatchObject([
    { decision: "recovered", attempt: 1, ms: 60_000, status: "running" },
    { decision: "recovered", attempt: 1, ms: 59_000, status: "succeeded" },
  ]);
});

test("the depth of a queue is that of all its profiles, and an empty one is not told of", async () => {
  const { ports, told } = observed();
  await tellQueueDepth(ports, "ann");
  for (let index = 0; index < 1205; index++) {
    const entry = { owner: "ann", taskId: `task_${index}`, profile: `profile-${index % 3}`, queuedAtMs: index };
    await ports.store.enqueue(entry);
  }
  await tellQueueDepth(ports, "ann");
  expect(told).toEqual([{ decision: "queued", owner: "ann", depth: 1205 }]);
});
