const TICK_MS = 2000;
/** A busy machine may wake this process so late; what is beyond was sleep. */
const LONGEST_GAP_MS = 10_000;

/**
 * Calls `expire` once the machine was awake for so long, and tells how long it has been. No clock of Node's is enough: on
 * macOS the steady one counts sleep too (https://github.com/libuv/libuv/blob/v1.x/src/unix/darwin.c), so time is taken in
 * small steps, and a step that is far too long was one in which nothing ran.
 */
export class AwakeTimer {
  readonly #limitMs: number;
  readonly #expire: () => void;
  readonly #steady: () => number;
  #awakeMs = 0;
  #lastMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(seconds: number, expire: () => void, steady: () => number = () => performance.now()) {
    this.#limitMs = seconds * 1000;
    this.#expire = expire;
    this.#steady = steady;
    this.#lastMs = steady();
    this.#wait();
  }

  get elapsedSeconds(): number {
    this.#count();
    return this.#awakeMs / 1000;
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  #count(): void {
    const nowMs = this.#steady();
    this.#awakeMs += Math.min(nowMs - this.#lastMs, LONGEST_GAP_MS);
    this.#lastMs = nowMs;
  }

  #wait(): void {
    const leftMs = this.#limitMs - this.#awakeMs;
    this.#timer = setTimeout(() => this.#look(), Math.min(TICK_MS, leftMs));
  }

  #look(): void {
    this.#count();
    if (this.#awakeMs >= this.#limitMs) this.#expire();
    else this.#wait();
  }
}
