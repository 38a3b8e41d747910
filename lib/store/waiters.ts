const MAX_TIMER_MS = 2 ** 31 - 1;

type Waiter = { revision: number; done: () => void };

/** Those in this process who wait until a task has a greater revision than the one that they have seen. */
export class Waiters {
  readonly #waiters = new Map<string, Set<Waiter>>();

  get isEmpty(): boolean {
    return this.#waiters.size === 0;
  }

  /** Resolves when a greater revision was told, after `timeoutMs`, or on abort. */
  async wait(task: string, revision: number, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    await new Promise<void>((resolve) => {
      const waiters = this.#waiters.get(task) ?? new Set();
      const done = () => {
        waiters.delete(waiter);
        if (waiters.size === 0 && this.#waiters.get(task) === waiters) this.#waiters.delete(task);
        clearTimeout(timer);
        signal?.removeEventListener("abort", done);
        resolve();
      };
      const waiter = { revision, done };
      this.#waiters.set(task, waiters.add(waiter));
      const timer = setTimeout(done, Math.min(Math.max(timeoutMs, 0), MAX_TIMER_MS));
      signal?.addEventListener("abort", done);
    });
  }

  /** The task has this revision; with none, it is gone. */
  tell(task: string, revision = Number.POSITIVE_INFINITY): void {
    for (const waiter of this.#waiters.get(task) ?? []) if (revision > waiter.revision) waiter.done();
  }

  /** The tasks that somebody waits for. */
  tasks(): string[] {
    return [...this.#waiters.keys()];
  }

  /** Lets everybody go. */
  close(): void {
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) waiter.done();
  }
}
