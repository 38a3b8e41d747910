/** How an emulator answers instead of doing what it was asked; `cut` closes the connection, `after` doing it if it says so. */
export type Fault = { status: number; code: string } | { cut: "before" | "after" };

/** Failures on demand, each used up by one request. */
export class Faults {
  readonly #waiting: { operation: string | undefined; fault: Fault }[] = [];
  /** Operations in the order in which they were asked for, refused ones as well. */
  readonly seen: string[] = [];

  /** The next requests, or the next of one operation, fail so. */
  add(fault: Fault, { times = 1, operation }: { times?: number; operation?: string } = {}): void {
    for (let i = 0; i < times; i++) this.#waiting.push({ operation, fault });
  }

  /** The failure that this request meets, if any. */
  take(operation: string): Fault | undefined {
    this.seen.push(operation);
    const index = this.#waiting.findIndex((each) => each.operation === undefined || each.operation === operation);
    return index < 0 ? undefined : this.#waiting.splice(index, 1)[0]?.fault;
  }

  /** Forgets the failures that nobody met. */
  clear(): void {
    this.#waiting.length = 0;
    this.seen.length = 0;
  }
}
