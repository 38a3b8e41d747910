import { createHash } from "node:crypto";
import { createRequire, syncBuiltinESMExports } from "node:module";

const require = createRequire(import.meta.url);
/** Whoever waits for nothing but this may not keep the clock from standing still: real turns of the event loop. */
const QUIET_TURNS = 3;

/** What a timer calls, whether there is anybody left for that, and whose it is. */
type Bound = { fire: () => void; isOver: () => boolean; whose: string };
type Timer = Bound & { atMs: number; order: number; isRef: boolean; everyMs?: number };
type Patch = { of: object; name: string; before: PropertyDescriptor | undefined };
type Callback = (...args: unknown[]) => void;

/**
 * Time, and chance, of a whole process, as long as it is installed: every timer, clock and random number of the platform. Time
 * stands while anything is done, and jumps to the next timer once all is quiet; so hours pass in milliseconds, and the same
 * seed gives the same run. `busy` counts what is done outside of the process's own turns: files and databases.
 */
export class VirtualTime {
  busy = 0;
  #nowMs: number;
  #order = 0;
  #timers: Timer[] = [];
  readonly #random: () => number;
  readonly #bind: (fire: () => void) => Bound;
  #patches: Patch[] = [];
  readonly #immediate = setImmediate;

  /** `bind` says, as a timer is set, what it calls in the end, and whether there is anybody left for that. */
  constructor(startMs: number, { random, bind }: { random: () => number; bind: (fire: () => void) => Bound }) {
    this.#nowMs = startMs;
    this.#random = random;
    this.#bind = bind;
  }

  now = (): number => this.#nowMs;

  /** Whose timers keep somebody waiting. */
  get waiting(): string[] {
    return this.#timers.flatMap(({ isRef, isOver, whose }) => (isRef && !isOver() ? [whose] : []));
  }

  /** `isWaited` is false of what goes on by itself, whether or not somebody waits for it. */
  sleep(ms: number, isWaited = true): Promise<void> {
    return new Promise((resolve) => void this.#add(resolve, ms, isWaited));
  }

  /** Lets time pass until that holds; throws when nothing is left to wait for, or after `limitMs` of it. */
  async runUntil(isOver: () => boolean, limitMs: number): Promise<void> {
    const endsAtMs = this.#nowMs + limitMs;
    for (;;) {
      await this.#quiet();
      if (isOver()) return;
      const next = this.#timers[0];
      if (!next) throw new Error("nobody waits for anything any more, and it is not over");
      if (next.atMs > endsAtMs) throw new Error(`it is not over after ${limitMs / 3_600_000} h`);
      this.#timers.shift();
      if (next.isOver()) continue;
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      if (next.everyMs !== undefined) this.#insert({ ...next, atMs: this.#nowMs + next.everyMs });
      next.fire();
    }
  }

  async #quiet(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS; turns++) {
      await new Promise<void>((resolve) => void this.#immediate(resolve));
      if (this.busy > 0) turns = -1;
    }
  }

  #add(work: () => void, ms = 0, isRef = true, everyMs?: number): Timer {
    const timer: Timer = {
      atMs: this.#nowMs + Math.max(0, Number.isFinite(ms) ? ms : 0),
      order: this.#order++,
      ...this.#bind(work),
      isRef,
      ...(everyMs !== undefined && { everyMs: Math.max(1, everyMs) }),
    };
    this.#insert(timer);
    return timer;
  }

  #insert(timer: Timer): void {
    let at = this.#timers.length;
    while (at > 0 && (this.#timers[at - 1] as Timer).atMs > timer.atMs) at -= 1;
    this.#timers.splice(at, 0, timer);
  }

  #remove(order: number): void {
    this.#timers = this.#timers.filter((timer) => timer.order !== order);
  }

  #handle(timer: Timer) {
    const handle = {
      ref: () => this.#mark(timer, true, handle),
      unref: () => this.#mark(timer, false, handle),
      hasRef: () => timer.isRef,
      refresh: () => handle,
      close: () => this.#remove(timer.order),
      order: timer.order,
      [Symbol.toPrimitive]: () => timer.order,
    };
    return handle;
  }

  #mark<T>(timer: Timer, isRef: boolean, handle: T): T {
    timer.isRef = isRef;
    return handle;
  }

  /** Puts this time in place of the platform's; `uninstall` undoes it. */
  install(): void {
    const set = (callback: Callback, ms?: number, ...args: unknown[]) =>
      this.#handle(this.#add(() => callback(...args), ms));
    const repeat = (callback: Callback, ms = 1, ...args: unknown[]) =>
      this.#handle(this.#add(() => callback(...args), ms, true, ms));
    const clear = (handle: { order: number } | number | undefined) => {
      if (handle !== undefined && handle !== null) this.#remove(typeof handle === "number" ? handle : handle.order);
    };
    const pause = (ms?: number, value?: unknown, { signal }: { signal?: AbortSignal } = {}) =>
      new Promise((resolve, reject) => {
        const stop = () => {
          this.#remove(timer.order);
          reject(new DOMException("The operation was aborted", "AbortError"));
        };
        const timer = this.#add(() => {
          signal?.removeEventListener("abort", stop);
          resolve(value);
        }, ms);
        if (signal?.aborted) stop();
        else signal?.addEventListener("abort", stop, { once: true });
      });
    const timeout = (ms: number) => {
      const ending = new AbortController();
      const reason = () => new DOMException("The operation was aborted due to timeout", "TimeoutError");
      this.#add(() => ending.abort(reason()), ms, false);
      return ending.signal;
    };
    for (const [name, value] of Object.entries({ setTimeout: set, setInterval: repeat, clearTimeout: clear })) {
      this.#patch(globalThis, name, value);
      this.#patch(require("node:timers"), name, value);
    }
    this.#patch(globalThis, "clearInterval", clear);
    this.#patch(require("node:timers"), "clearInterval", clear);
    this.#patch(require("node:timers/promises"), "setTimeout", pause);
    this.#patch(AbortSignal, "timeout", timeout);
    this.#patch(performance, "now", () => this.#nowMs);
    this.#patch(globalThis, "Date", this.#date());
    this.#patchChance();
    syncBuiltinESMExports();
  }

  #date(): DateConstructor {
    return new Proxy(Date, {
      construct: (date, args) => (args.length > 0 ? Reflect.construct(date, args) : new date(this.#nowMs)),
      get: (date, name) => (name === "now" ? this.now : Reflect.get(date, name)),
    });
  }

  #patchChance(): void {
    const fill = <T extends ArrayBufferView>(array: T): T => {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(this.#random() * 256);
      return array;
    };
    const randomBytes = (size: number) => fill(Buffer.alloc(size));
    const uuid = () => {
      const hex = randomBytes(16).toString("hex");
      return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join(
        "-",
      );
    };
    // A digest is made in a thread of its own, which ends in a turn that no seed decides about.
    const digest = async (algorithm: string, data: Uint8Array) => {
      const hash = createHash(algorithm.replace("-", "").toLowerCase()).update(data).digest();
      return hash.buffer.slice(hash.byteOffset, hash.byteOffset + hash.byteLength);
    };
    this.#patch(globalThis.crypto.subtle, "digest", digest);
    this.#patch(Math, "random", this.#random);
    this.#patch(globalThis.crypto, "getRandomValues", fill);
    this.#patch(globalThis.crypto, "randomUUID", uuid);
    this.#patch(require("node:crypto"), "randomBytes", randomBytes);
    this.#patch(require("node:crypto"), "randomUUID", uuid);
  }

  uninstall(): void {
    for (const { of, name, before } of this.#patches.toReversed()) {
      if (before) Object.defineProperty(of, name, before);
      else Reflect.deleteProperty(of, name);
    }
    this.#patches = [];
    syncBuiltinESMExports();
  }

  #patch(of: object, name: string, value: unknown): void {
    this.#patches.push({ of, name, before: Object.getOwnPropertyDescriptor(of, name) });
    Object.defineProperty(of, name, { value, configurable: true, writable: true });
  }
}
