import type { FollowUps } from "./follow-ups.ts";

export type Heard = "now" | "next_turn";

/** Messages that steer an agent at work: heard within its turn where it listens, else after it, and each of them once. */
export class Steering {
  readonly #heard = new Map<string, Heard>();
  readonly #followUps: FollowUps;
  #hear: ((text: string) => boolean) | undefined;

  constructor(followUps: FollowUps) {
    this.#followUps = followUps;
  }

  /** Says a message; the same id again says nothing twice. Throws what `FollowUps.add` throws. */
  say(id: string, text: string): Heard {
    const before = this.#heard.get(id);
    if (before) return before;
    const how = this.#hear?.(text) ? "now" : "next_turn";
    if (how === "next_turn") this.#followUps.add(text);
    this.#heard.set(id, how);
    return how;
  }

  /** From now on an agent listens within its turn; `hear` says whether it took a message. Returns what ends that. */
  listen(hear: (text: string) => boolean): () => void {
    this.#hear = hear;
    return () => {
      this.#hear = undefined;
    };
  }
}
