/** What one has at a time, and the others wait for in the order in which they came. */
export class Turn {
  #last: Promise<void> = Promise.resolve();

  /** Resolves, when the turn has come, with what gives it back. Rejects at an abort, and then it passes on. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const before = this.#last;
    let release = () => {};
    this.#last = new Promise((resolve) => {
      release = resolve;
    });
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        void before.then(release);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      void before.then(() => {
        signal.removeEventListener("abort", leave);
        resolve();
      });
    });
    return release;
  }
}
