import { isExpired, type TaskItem } from "./task-item.ts";

const MAX_TASKS = 256;
/** Larger bodies are read again: keeping them would cost more memory than it saves. */
const MAX_BODY_BYTES = 16 * 1024;
/** A longer poll than this does not exist, so whoever reads and then writes does so within this time. */
const MAX_AGE_MS = 20_000;

type Known = { item: TaskItem; atMs: number };
type Waiter = { revision: number; done: () => void };

/**
 * Tasks as this process has last seen them. A change that begins with one of them needs no read: its write is refused if
 * anybody else was faster. Wakes those here who wait for a task that is written here.
 */
export class KnownTasks {
  readonly #tasks = new Map<string, Known>();
  readonly #waiters = new Map<string, Set<Waiter>>();

  /** This process has read or written the item. */
  note(item: TaskItem): void {
    const { pk, revision } = item;
    for (const waiter of this.#waiters.get(pk) ?? []) if (revision > waiter.revision) waiter.done();
    const known = this.#tasks.get(pk);
    if (known && known.item.revision > revision) return;
    this.#tasks.delete(pk);
    if (item.body.byteLength > MAX_BODY_BYTES) return;
    this.#tasks.set(pk, { item, atMs: performance.now() });
    const oldest = this.#tasks.keys().next();
    if (this.#tasks.size > MAX_TASKS && !oldest.done) this.#tasks.delete(oldest.value);
  }

  forget(pk: string): void {
    this.#tasks.delete(pk);
  }

  /** The item if it was seen within the last `maxAgeMs` milliseconds and has not expired. */
  recent(pk: string, nowMs: number, maxAgeMs = MAX_AGE_MS): TaskItem | undefined {
    const known = this.#tasks.get(pk);
    if (!known || performance.now() - known.atMs > maxAgeMs || isExpired(known.item, nowMs)) return undefined;
    return known.item;
  }

  /** Resolves when this process has seen a greater revision, after `timeoutMs`, or on abort. */
  async wait(pk: string, revision: number, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const waiters = this.#waiters.get(pk) ?? new Set();
      const done = () => {
        waiters.delete(waiter);
        if (waiters.size === 0 && this.#waiters.get(pk) === waiters) this.#waiters.delete(pk);
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const waiter = { revision, done };
      this.#waiters.set(pk, waiters.add(waiter));
      const timer = setTimeout(done, Math.max(timeoutMs, 0));
      signal?.addEventListener("abort", done);
    });
  }

  /** Lets everybody go who waits. */
  close(): void {
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) waiter.done();
  }
}
