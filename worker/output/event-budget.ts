import type { NewEvent } from "./event-log.ts";
import type { OutputLog } from "./output-log.ts";

const MAX_EVENTS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;

/** How much a job may say in events other than its log, so that nobody's memory is at its mercy. */
export class EventBudget {
  #events = MAX_EVENTS;
  #bytes = MAX_BYTES;
  #isSpent = false;

  /** False when the event must be dropped; the log says so the first time. */
  take(event: NewEvent, log: OutputLog): boolean {
    const bytes = Buffer.byteLength(JSON.stringify(event));
    const fits = this.#events > 0 && this.#bytes >= bytes;
    if (fits) {
      this.#events -= 1;
      this.#bytes -= bytes;
    } else if (!this.#isSpent) {
      this.#isSpent = true;
      log.note(`the task published more than ${MAX_EVENTS} events or ${MAX_BYTES} bytes of them; the rest is dropped`);
    }
    return fits;
  }
}
