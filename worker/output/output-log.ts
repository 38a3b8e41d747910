import { MAX_LOG_BYTES, MAX_LOG_CHUNK_BYTES } from "../../lib/contract/worker.ts";
import type { EventLog } from "./event-log.ts";

export type StreamName = "stdout" | "stderr";

/** Text printed within this time is one event. It grows when nobody collects, so that events cannot pile up. */
const COALESCE_MS = 25;
const MAX_COALESCE_MS = 2000;
/** Room that is left for the lines that the worker adds itself. */
const RESERVED_BYTES = 8 * 1024;
/** A chunk in which almost everything needs an escape stays below 64 KB of JSON at this size. */
const ESCAPED_CHUNK_BYTES = 10 * 1024;

/** Turns what a job prints into `task.log` events: soon, in pieces of at most 16 KB, and at most 16 MB in all. */
export class OutputLog {
  /** The log is full: what follows is only in the files. */
  cut = false;
  #events: EventLog;
  #budget: number;
  #pending = new Map<StreamName, string>();
  #lastFlush = 0;
  #timer: NodeJS.Timeout | undefined;
  #encoder = new TextEncoder();
  #scratch = new Uint8Array(MAX_LOG_CHUNK_BYTES);

  constructor(events: EventLog, maxBytes = MAX_LOG_BYTES) {
    this.#events = events;
    this.#budget = maxBytes - RESERVED_BYTES;
  }

  write(stream: StreamName, text: string): void {
    if (this.cut || text === "") return;
    let pending = (this.#pending.get(stream) ?? "") + text;
    if (Buffer.byteLength(pending) >= MAX_LOG_CHUNK_BYTES) {
      // What the other stream printed before this goes out before it.
      this.#pending.delete(stream);
      this.flush();
      while (!this.cut && Buffer.byteLength(pending) >= MAX_LOG_CHUNK_BYTES) pending = this.#emit(stream, pending);
      if (this.cut) return;
    }
    if (pending !== "") this.#pending.set(stream, pending);
    this.#schedule();
  }

  /** Sends what is pending now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lastFlush = performance.now();
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const [stream, text] of pending) {
      for (let rest = text; rest !== "" && !this.cut; ) rest = this.#emit(stream, rest);
    }
  }

  /** A line of the worker's own, also after the log was cut. */
  note(text: string, more: { truncated?: true } = {}): void {
    this.flush();
    this.#events.append({ type: "task.log", message: `[worker] ${text}\n`, payload: { stream: "stderr", ...more } });
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#pending.size === 0) return;
    const pause = Math.min(MAX_COALESCE_MS, COALESCE_MS + this.#events.unacknowledged / 4);
    const wait = this.#lastFlush + pause - performance.now();
    if (wait <= 0) this.flush();
    else this.#timer = setTimeout(() => this.flush(), wait);
  }

  /** Sends the beginning of a text as one event and returns the rest. */
  #emit(stream: StreamName, text: string): string {
    // encodeInto stops before a character that does not fit, so no surrogate pair is split.
    let { read, written } = this.#encoder.encodeInto(text, this.#scratch);
    if (escapedBytes(this.#scratch.subarray(0, written)) > ESCAPED_CHUNK_BYTES * 6) {
      ({ read, written } = this.#encoder.encodeInto(text, this.#scratch.subarray(0, ESCAPED_CHUNK_BYTES)));
    }
    if (written > this.#budget) {
      this.cut = true;
      this.#pending.clear();
      this.note("the log ends here, it is full; the whole output is in the artifacts, in output/", {
        truncated: true,
      });
      return "";
    }
    this.#budget -= written;
    const message = Buffer.from(this.#scratch.subarray(0, written));
    this.#events.append({ type: "task.log", message, payload: { stream } });
    return text.slice(read);
  }
}

/** Size of a text as a JSON string: control characters take six bytes. */
function escapedBytes(utf8: Uint8Array): number {
  let bytes = utf8.length;
  for (const byte of utf8) {
    if (byte < 0x20) bytes += 5;
    else if (byte === 0x22 || byte === 0x5c) bytes += 1;
  }
  return bytes;
}
