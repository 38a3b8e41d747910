import type { Readiness } from "../../backends/adapter.ts";
import type { RuntimeReadiness, SharedRuntimes } from "../../backends/shared-runtimes.ts";
import { DispatchError, RefusedError } from "../../contract/errors.ts";
import { isLive, type SharedRuntime } from "../../contract/runtimes.ts";
import { type Task, without } from "../../contract/task.ts";
import type { RuntimeEdit } from "../../store/port.ts";
import type { Ports } from "../ports.ts";
import { isHeld, lostRuntime } from "./taking.ts";

/** For so long whoever looks whether a runtime is ready does so for everybody. */
const LOOKING_MS = 4000;
/** The longest that a runtime may take to become ready. */
export const READY_DEADLINE_MS = 10 * 60_000;
/** Seconds after which the others ask again. */
const OTHERS_SECONDS = 1;

/**
 * Whether the runtime that a task shares can be invoked. One of those who wait asks the platform, and notes the answer for the
 * others. Throws DispatchError when it never will.
 */
export async function sharedReadiness(
  ports: Ports,
  task: Task,
  id: string,
  shared: SharedRuntimes,
): Promise<Readiness> {
  const nowMs = ports.now();
  const known = await ports.store.getRuntime(id);
  if (!known || !isLive(known)) throw lostRuntime(known);
  if (known.state === "ready") return { ready: true };
  if (known.arn === undefined) {
    // A late attempt of the task's first step gave it another runtime, which is on its way.
    if (nowMs - known.attemptedAtMs > READY_DEADLINE_MS) throw notReady();
    return { ready: false, waitSeconds: OTHERS_SECONDS };
  }
  if (known.lease && known.lease.holder !== task.id && isHeld(known.lease, nowMs))
    return { ready: false, waitSeconds: OTHERS_SECONDS };
  const lease = { holder: task.id, untilMs: nowMs + LOOKING_MS };
  const isTaken = (now: SharedRuntime) =>
    now.lease?.holder !== known.lease?.holder || now.lease?.untilMs !== known.lease?.untilMs;
  const seen = await ports.store.changeRuntime(id, (now) =>
    now?.name === known.name && now.state === "making" && !isTaken(now) ? { ...now, lease } : undefined,
  );
  const isMine = seen?.lease?.holder === lease.holder && seen.lease.untilMs === lease.untilMs;
  if (!isMine) return { ready: false, waitSeconds: OTHERS_SECONDS };
  return look(ports, task, seen, shared);
}

async function look(ports: Ports, task: Task, seen: SharedRuntime, shared: SharedRuntimes): Promise<RuntimeReadiness> {
  const change = (edit: (now: SharedRuntime) => ReturnType<RuntimeEdit>) =>
    ports.store.changeRuntime(seen.id, (now) => (now?.name === seen.name && isLive(now) ? edit(now) : undefined));
  try {
    const readiness = await shared.look(task, seen);
    if (!readiness.ready && ports.now() - seen.attemptedAtMs > READY_DEADLINE_MS) throw notReady();
    if (readiness.ready) await change((now) => ({ ...without(now, "lease"), state: "ready" }));
    return readiness;
  } catch (error) {
    // One that will never be ready is the same to everybody who waits for it.
    if (error instanceof DispatchError && isFinal(error))
      await change((now) => ({ ...without(now, "lease"), state: "deleting", failure: error.problem }));
    throw error;
  }
}

const notReady = () =>
  new RefusedError("worker.not_ready", "the runtime did not become ready within 10 minutes", {
    hint: "check_cloud_agent_runtime names what is wrong",
  });

const isFinal = ({ code, retryable }: DispatchError): boolean => code === "worker.lost" || !retryable;
