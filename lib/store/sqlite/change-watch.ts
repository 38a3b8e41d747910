import { Waiters } from "../waiters.ts";

const POLL_MS = 1000;

/** What a watch needs to know of the store. */
export type Watched = {
  /** The stored revision of a task, or undefined when there is no such task. */
  revisionOf(taskId: string): number | undefined;
  /** A number that changes whenever another process has written. */
  writesOfOthers(): number;
};

/**
 * Wakes those who wait for a task: at once when this process wrote it, within a second when another did. One timer serves
 * everybody, and there is none while nobody waits.
 */
export class ChangeWatch {
  readonly #watched: Watched;
  readonly #waiters = new Waiters();
  #timer: NodeJS.Timeout | undefined;
  #seen = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** Resolves once the stored revision is greater, the task is gone, `timeoutMs` are over, or on abort. */
  async wait(taskId: string, revision: number, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return;
    // The count of others' writes is taken before the revision is read, so that no write falls between the two.
    this.#start();
    try {
      const stored = this.#watched.revisionOf(taskId);
      if (stored === undefined || stored > revision) return;
      await this.#waiters.wait(taskId, revision, timeoutMs, signal);
    } finally {
      if (this.#waiters.isEmpty) this.#stop();
    }
  }

  /** This process has written the task. */
  notify(taskId: string, revision: number): void {
    this.#waiters.tell(taskId, revision);
  }

  /** Lets everybody go. */
  close(): void {
    this.#waiters.close();
    this.#stop();
  }

  #start(): void {
    if (this.#timer) return;
    this.#seen = this.#watched.writesOfOthers();
    this.#timer = setInterval(() => this.#look(), POLL_MS);
    this.#timer.unref();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    try {
      const writes = this.#watched.writesOfOthers();
      if (writes === this.#seen) return;
      this.#seen = writes;
      for (const taskId of this.#waiters.tasks()) this.#waiters.tell(taskId, this.#watched.revisionOf(taskId));
    } catch {
      // The store cannot be read: whoever waits finds out, with a clear error, when it reads next.
      this.close();
    }
  }
}
