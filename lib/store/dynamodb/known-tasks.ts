import { Waiters } from "../waiters.ts";
import { isExpired, type TaskItem } from "./task-item.ts";

const MAX_TASKS = 256;
/** Larger bodies are read again: keeping them would cost more memory than it saves. */
const MAX_BODY_BYTES = 16 * 1024;
/** A longer poll than this does not exist, so whoever reads and then writes does so within this time. */
const MAX_AGE_MS = 20_000;

type Known = { item: TaskItem; atMs: number };

/**
 * Tasks as this process has last seen them. A change that begins with one of them needs no read: its write is refused if
 * anybody else was faster. Wakes those here who wait for a task that is written here.
 */
export class KnownTasks {
  readonly #tasks = new Map<string, Known>();
  readonly #waiters = new Waiters();

  /** This process has read or written the item. */
  note(item: TaskItem): void {
    const { pk, revision } = item;
    this.#waiters.tell(pk, revision);
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
    await this.#waiters.wait(pk, revision, timeoutMs, signal);
  }

  /** Lets everybody go who waits. */
  close(): void {
    this.#waiters.close();
  }
}
