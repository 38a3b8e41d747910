import { FIRST_WORKER_SEQUENCE, type WorkerEvent } from "../../lib/contract/worker.ts";

export type NewEvent = { type: WorkerEvent["type"]; message?: string | Buffer; payload?: Record<string, unknown> };

/** Texts are kept as UTF-8 outside the heap: as strings, 16 MB of log could take 32. */
type Stored = Omit<WorkerEvent, "message"> & { message?: Buffer };

export type Page = { events: WorkerEvent[]; next: number; more: boolean };

/** The numbered events of one task, kept until a reader has acknowledged them. */
export class EventLog {
  #kept: Stored[] = [];
  #next = FIRST_WORKER_SEQUENCE;
  #waiting = new Set<() => void>();
  readonly #onEvent: ((event: NewEvent) => void) | undefined;

  /** With a listener that is told of every event as it comes. */
  constructor(onEvent?: (event: NewEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** Number of the newest event; one less than the first number when there is none. */
  get last(): number {
    return this.#next - 1;
  }

  get unacknowledged(): number {
    return this.#kept.length;
  }

  append(event: NewEvent): void {
    const { type, message, payload } = event;
    this.#kept.push({
      sequence: this.#next++,
      type,
      timestamp: new Date().toISOString(),
      ...(message !== undefined && { message: typeof message === "string" ? Buffer.from(message) : message }),
      ...(payload !== undefined && { payload }),
    });
    this.#onEvent?.(event);
    this.wake();
  }

  /** Forgets what a reader says it has. */
  acknowledge(after: number): void {
    const known = this.#indexAfter(after);
    if (known > 0) this.#kept.splice(0, known);
  }

  hasAfter(after: number): boolean {
    return this.#indexAfter(after) < this.#kept.length;
  }

  /** The events after a number, as many as fit in `maxBytes` of JSON but at least one if there is any. */
  page(after: number, maxBytes: number): Page {
    const events: WorkerEvent[] = [];
    let bytes = 0;
    let index = this.#indexAfter(after);
    for (; index < this.#kept.length; index++) {
      const event = readable(this.#kept[index] as Stored);
      bytes += Buffer.byteLength(JSON.stringify(event)) + 1;
      if (bytes > maxBytes && events.length > 0) break;
      events.push(event);
    }
    return { events, next: events.at(-1)?.sequence ?? after, more: index < this.#kept.length };
  }

  /** Resolves when something happens, the time is over, or the reader went away. */
  changed(milliseconds: number, gone: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        gone.removeEventListener("abort", done);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      this.#waiting.add(done);
      if (gone.aborted) done();
      else gone.addEventListener("abort", done);
    });
  }

  wake(): void {
    for (const done of [...this.#waiting]) done();
  }

  /** How many of the kept events a reader of `after` has. Numbers are consecutive, so this needs no search. */
  #indexAfter(after: number): number {
    const first = this.#kept[0]?.sequence ?? this.#next;
    return Math.min(Math.max(0, after - first + 1), this.#kept.length);
  }
}

function readable({ message, ...event }: Stored): WorkerEvent {
  return message === undefined ? event : { ...event, message: message.toString() };
}
