import type { BackendAdapter } from "../../backends/adapter.ts";
import type { RuntimeNeed, SharedRuntimes } from "../../backends/shared-runtimes.ts";
import { DispatchError, NothingMadeError, RetryableError } from "../../contract/errors.ts";
import { isLive, type SharedRuntime } from "../../contract/runtimes.ts";
import { type Task, without } from "../../contract/task.ts";
import type { RuntimeEdit } from "../../store/port.ts";
import type { Ports } from "../ports.ts";

/**
 * Runtimes that tasks share. What is known of one stands in its own record in the store, and every step is one conditional write
 * of that: who notes it first makes it; a task adds itself to its users or it is deleted, never both. Nobody has to live for any of
 * it to be brought to its end: whoever makes one holds a lease, after which the next user goes on; the same name made twice is one
 * runtime; and what nobody uses is deleted by the housekeeping, by its name where nobody could note more.
 */

/** For so long whoever makes a runtime has that to itself. */
const LEASE_MS = 30_000;
/** After an attempt that failed, for so long. */
const RETRY_MS = 5000;
/** How long a step waits for another task that makes the runtime, and how often it looks. */
const PATIENCE_MS = 60_000;
const LOOK_MS = 500;

/** Where a task is among those that share. */
type Place = { adapter: BackendAdapter; shared: SharedRuntimes; need: RuntimeNeed; task: Task };

/** The record that a task with this need should take: its id, and the record itself where it is there already. */
export type Chosen = { id: string; isThere: boolean };

/** The live one of the fingerprint, else the next. Ids are given again once a record is forgotten, names never. */
export async function recordFor({ store }: Pick<Ports, "store">, { fingerprint }: RuntimeNeed): Promise<Chosen> {
  const known = await store.listRuntimes(fingerprint);
  const live = known.find(isLive);
  if (live) return { id: live.id, isThere: true };
  const last = Math.max(0, ...known.map(({ id }) => Number(id.slice(fingerprint.length + 1))));
  return { id: `${fingerprint}-${last + 1}`, isThere: false };
}

/**
 * Makes a task a user of the runtime of that record, which it notes where there is none. Undefined where it cannot be had: then
 * another record is to be taken. Throws what the platform answers.
 */
export async function take(ports: Ports, { id, isThere }: Chosen, place: Place): Promise<SharedRuntime | undefined> {
  const { task, shared } = place;
  const nowMs = ports.now();
  const noted = isThere
    ? undefined
    : await ports.store.changeRuntime(id, (seen) => (seen ? undefined : newRecord(place, nowMs)));
  if (noted?.madeBy === task.id && noted.users.includes(task.id) && isLive(noted)) return noted;
  if (!(await ports.store.takeRuntime(id, task.id, nowMs))) return undefined;
  const taken = await ports.store.getRuntime(id);
  if (taken?.state !== "ready" || (await shared.isThere(taken))) return taken;
  ports.log.warn("a runtime was deleted by somebody else; another takes its place", { runtime: taken.name });
  // What is left of it, its log, is for the housekeeping.
  await ports.store.changeRuntime(id, (now) => (now?.name === taken.name ? { ...now, state: "deleting" } : undefined));
  return undefined;
}

function newRecord({ adapter, shared, need, task }: Place, nowMs: number): ReturnType<RuntimeEdit> {
  return {
    fingerprint: need.fingerprint,
    family: need.family,
    backend: adapter.name,
    accountProfile: task.accountProfile,
    region: need.region,
    name: shared.newName(),
    state: "making",
    madeBy: task.id,
    madeAtMs: nowMs,
    attemptedAtMs: nowMs,
    creations: 0,
    users: [task.id],
    lastUsedAtMs: nowMs,
  };
}

/**
 * Resolves with the runtime once it is made, by this task or another of its users. Throws what the platform answers, also to
 * another, and RetryableError where another has not come to an end in a minute.
 */
export async function made(ports: Ports, id: string, place: Place): Promise<SharedRuntime> {
  const untilMs = ports.steady() + PATIENCE_MS;
  for (;;) {
    const seen = await ports.store.changeRuntime(id, (now) => attempting(now, place.task.id, ports.now()));
    if (!seen || !isLive(seen)) throw lostRuntime(seen);
    if (seen.arn !== undefined) return seen;
    if (seen.lease?.holder === place.task.id) return make(ports, seen, place);
    if (ports.closing.aborted || ports.steady() > untilMs)
      throw new RetryableError("platform.not_ready", "another task makes the runtime, and has not come to an end yet");
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Counts an attempt to make it before it begins, so that none that may have succeeded is forgotten. */
function attempting(seen: SharedRuntime | undefined, holder: string, nowMs: number): ReturnType<RuntimeEdit> {
  if (seen?.state !== "making" || seen.arn !== undefined) return undefined;
  if (seen.lease && seen.lease.holder !== holder && isHeld(seen.lease, nowMs)) return undefined;
  const lease = { holder, untilMs: nowMs + LEASE_MS };
  return { ...seen, lease, attemptedAtMs: nowMs, creations: seen.creations + 1 };
}

/** A lease that would last much longer than any does was noted by a clock that has been set back since. */
export const isHeld = ({ untilMs }: { untilMs: number }, nowMs: number): boolean =>
  untilMs > nowMs && untilMs <= nowMs + 2 * LEASE_MS;

async function make(ports: Ports, seen: SharedRuntime, { shared, need, task }: Place): Promise<SharedRuntime> {
  const change = (edit: (now: SharedRuntime) => ReturnType<RuntimeEdit>) =>
    ports.store.changeRuntime(seen.id, (now) => (now?.name === seen.name ? edit(now) : undefined));
  try {
    const arn = await shared.make(task, need, seen);
    // The request may have been long on its way.
    return (await change((now) => ({ ...without(now, "lease"), arn, attemptedAtMs: ports.now() }))) ?? seen;
  } catch (error) {
    await change((now) => failed(now, error, task.id, ports.now()));
    throw error;
  }
}

/**
 * The record after an attempt that failed: what was refused for good is so to everybody who waits; anything else is tried again,
 * soon by the same task, and a little later by another.
 */
function failed(now: SharedRuntime, error: unknown, holder: string, nowMs: number): ReturnType<RuntimeEdit> {
  const creations = error instanceof NothingMadeError ? now.creations - 1 : now.creations;
  if (!(error instanceof DispatchError) || error.retryable)
    return { ...now, creations, lease: { holder, untilMs: nowMs + RETRY_MS } };
  return { ...without(now, "lease"), creations, state: creations === 0 ? "gone" : "deleting", failure: error.problem };
}

/** Why a task cannot have the runtime that it has taken. */
export function lostRuntime(seen: SharedRuntime | undefined): DispatchError {
  if (seen?.failure) return new DispatchError(seen.failure);
  return new RetryableError(
    "worker.lost",
    "the runtime that the task shares with others was deleted by somebody else",
    {
      hint: "dispatch the task again",
    },
  );
}
