/**
 * `fault`: nobody waits for the work any more, because an error ended it that it did not catch. `budget`: an agent has
 * consumed what it may. `unanswered`: nobody answered what the job asked, in the time that there is for it.
 */
export type StopOrder = { kind: "cancel" | "timeout" | "fault" | "budget" | "unanswered"; graceSeconds: number };

/** The order to stop a job. The first order says why; a later one may only shorten the grace. */
export class StopSwitch {
  order: StopOrder | undefined;
  #listeners = new Set<(order: StopOrder) => void>();

  pull(order: StopOrder): void {
    this.order ??= order;
    for (const listener of [...this.#listeners]) listener(order);
  }

  /** Calls the listener for every order, the ones already given included. Returns what ends that. */
  listen(listener: (order: StopOrder) => void): () => void {
    this.#listeners.add(listener);
    if (this.order) listener(this.order);
    return () => this.#listeners.delete(listener);
  }
}
