import { setTimeout as sleep } from "node:timers/promises";
import { findAnyMarked, groupOf, killAnyMarked, type Mark, type Origin, signal } from "./processes.ts";

const LOOK_AGAIN_MS = 20;
const MAX_LOOK_AGAIN_MS = 250;

/** All that one program started: its process group, and whatever left the group but carries a mark of its task. */
export class ProcessTree {
  readonly #origin: Origin | undefined;
  readonly #marks: readonly Mark[];
  readonly #stopSignal: NodeJS.Signals;
  #killAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #killed: Promise<void> | undefined;

  /** `origin` leads the group; undefined when it never started. Its group is asked to end with `stopSignal`. */
  constructor(origin: Origin | undefined, marks: readonly Mark[], stopSignal: NodeJS.Signals = "SIGTERM") {
    this.#origin = origin;
    this.#marks = marks;
    this.#stopSignal = stopSignal;
  }

  /** Asks everything to end, and kills what is left after the grace. Asked again, it can only get shorter. */
  stop(graceSeconds: number): void {
    if (this.#killed) return;
    const first = this.#timer === undefined;
    const killAt = performance.now() + graceSeconds * 1000;
    if (killAt >= this.#killAt) return;
    this.#killAt = killAt;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.kill(), graceSeconds * 1000);
    if (first) void this.#terminate();
  }

  /** After `stop`: resolves when everything has ended, by itself or killed. */
  async gone(): Promise<void> {
    for (
      let pause = LOOK_AGAIN_MS;
      performance.now() < this.#killAt;
      pause = Math.min(pause * 1.5, MAX_LOOK_AGAIN_MS)
    ) {
      // By the mark and not by the group: where nobody reaps orphans, the dead stay in a group for ever.
      if ((await findAnyMarked(this.#marks, [], this.#origin)).length === 0) return;
      await sleep(pause);
    }
  }

  /** Kills everything, and resolves when nothing is left. Does it once. */
  kill(): Promise<void> {
    clearTimeout(this.#timer);
    this.#killed ??= this.#kill();
    return this.#killed;
  }

  async #kill(): Promise<void> {
    if (this.#origin) signal(-this.#origin.pid, "SIGKILL");
    await killAnyMarked(this.#marks, [], this.#origin);
  }

  async #terminate(): Promise<void> {
    if (this.#origin) signal(-this.#origin.pid, this.#stopSignal);
    for (const pid of await findAnyMarked(this.#marks, [], this.#origin)) {
      // A member of the group was asked already; to be asked twice often means "at once".
      const group = groupOf(pid);
      if (group !== undefined && group !== this.#origin?.pid) signal(pid, "SIGTERM");
    }
  }
}
