const POLL_MS = 1000;
const MAX_TIMER_MS = 2 ** 31 - 1;

type Waiter = { revision: number; done: () => void };

/** What a watch needs to know of the store. */
export type Watched = {
  /** The stored revision of a task, or undefined when there is no such task. */
  revisionOf(taskId: string): number | undefined;
  /** A number that changes whenever another process has written. */
  foreignWrites(): number;
};

/**
 * Wakes those who wait for a task: at once when this process wrote it, within a second when another did. One timer serves
 * everybody, and there is none while nobody waits.
 */
export class ChangeWatch {
  readonly #watched: Watched;
  readonly #waiters = new Map<string, Set<Waiter>>();
  #timer: NodeJS.Timeout | undefined;
  #seen = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Resolves once the stored revision is greater, the task is gone, `timeoutMs` are over, or on abort. */
  async wait(taskId: string, revision: number, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    // The count of foreign writes is taken before the revision is read, so that no write falls between the two.
    this.#start();
    try {
      if (this.#isPast(taskId, revision)) return;
      await new Promise<void>((resolve) => {
        const waiters = this.#waiters.get(taskId) ?? new Set();
        const done = () => {
          waiters.delete(waiter);
          if (waiters.size === 0 && this.#waiters.get(taskId) === waiters) this.#waiters.delete(taskId);
          clearTimeout(timer);
          signal?.removeEventListener("abort", done);
          resolve();
        };
        const waiter = { revision, done };
        this.#waiters.set(taskId, waiters.add(waiter));
        const timer = setTimeout(done, Math.min(Math.max(timeoutMs, 0), MAX_TIMER_MS));
        signal?.addEventListener("abort", done);
      });
    } finally {
      if (this.#waiters.size === 0) this.#stop();
    }
  }

  /** This process has written the task. */
  notify(taskId: string, revision: number): void {
    for (const waiter of this.#waiters.get(taskId) ?? []) if (revision > waiter.revision) waiter.done();
  }

  /** Lets everybody go. */
  close(): void {
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) waiter.done();
    this.#stop();
  }

  #isPast(taskId: string, revision: number): boolean {
    const stored = this.#watched.revisionOf(taskId);
    return stored === undefined || stored > revision;
  }

  #start(): void {
    if (this.#timer) return;
    this.#seen = this.#watched.foreignWrites();
    this.#timer = setInterval(() => this.#look(), POLL_MS);
    this.#timer.unref();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    try {
      const writes = this.#watched.foreignWrites();
      if (writes === this.#seen) return;
      this.#seen = writes;
      for (const [taskId, waiters] of this.#waiters)
        for (const waiter of waiters) if (this.#isPast(taskId, waiter.revision)) waiter.done();
    } catch {
      // The store cannot be read: whoever waits finds out, with a clear error, when it reads next.
      this.close();
    }
  }
}
