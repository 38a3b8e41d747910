import type { InputRequests } from "../../lib/contract/input-requests.ts";
import type { JsonObject } from "../../lib/contract/json.ts";
import { responsesIn } from "../../lib/contract/questions/responses.ts";
import type { NewEvent } from "../output/event-log.ts";
import type { StopOrder } from "../processes/stop.ts";
import type { Outcome } from "../runner.ts";
import type { TurnFile } from "./turn-files.ts";

/** How a turn ended. */
export type TurnEnd = {
  status: "succeeded" | "failed" | "cancelled";
  outcome: Outcome;
  /** What it left, where it is a job by itself; files of a task are sent to where they are kept. */
  files: TurnFile[];
};
export type TurnState = TurnEnd | { status: "input_required"; requests: InputRequests };

/** Whoever runs a turn. */
export type TurnRunner = {
  /** Hands answers over; false when nothing was asked. */
  answer(responses: JsonObject): Promise<boolean>;
  stop(order: StopOrder): void;
};

const GRACE_SECONDS = 5;

/** What an agent makes of one message: what happens meanwhile, what it asks, and how it ends. */
export class Turn {
  readonly #listeners = new Set<(event: NewEvent) => void>();
  readonly #end = Promise.withResolvers<TurnEnd>();
  #asked = Promise.withResolvers<TurnState>();
  #answered = Promise.withResolvers<void>();
  #requests: InputRequests | undefined;
  #runner: TurnRunner | undefined;
  #endedAt: number | undefined;
  #isCancelled = false;
  #lastSaid = "";

  /** Calls the listener with each event from now on. Returns what ends that. */
  listen(listener: (event: NewEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the turn has ended, or asks. */
  state(): Promise<TurnState> {
    return Promise.race([this.#end.promise, this.#asked.promise]);
  }

  ended(): Promise<TurnEnd> {
    return this.#end.promise;
  }

  get hasEnded(): boolean {
    return this.#endedAt !== undefined;
  }

  /** When it ended, by the clock of the process; 0 before. */
  get endedAt(): number {
    return this.#endedAt ?? 0;
  }

  /** Nobody wants it any more, begun or not. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /** Answers what the agent asks, the first of it. False when it asks nothing. Throws InvalidInputError. */
  async answer(text: string): Promise<boolean> {
    if (!this.#requests || !this.#runner) return false;
    return this.#runner.answer(responsesIn(text, this.#requests));
  }

  /** Ends this turn alone; one that waits for its time never begins. */
  cancel(): void {
    this.#isCancelled = true;
    if (this.#runner) this.#runner.stop({ kind: "cancel", graceSeconds: GRACE_SECONDS });
    else this.end({ status: "cancelled", outcome: {}, files: [] });
  }

  /** It runs from now on. */
  begin(runner: TurnRunner): void {
    this.#runner = runner;
  }

  /** It waits for the answers to this. */
  ask(requests: InputRequests): void {
    this.#requests = requests;
    this.#asked.resolve({ status: "input_required", requests });
  }

  /** Its question was answered, by whomever. */
  goOn(): void {
    if (!this.#requests) return;
    this.#requests = undefined;
    this.#asked = Promise.withResolvers();
    this.#answered.resolve();
    this.#answered = Promise.withResolvers();
  }

  /** Resolves when the question of now is answered, or nobody waits for that any more. */
  goesOn(): Promise<unknown> {
    return Promise.race([this.#answered.promise, this.#end.promise]);
  }

  get isAsking(): boolean {
    return this.#requests !== undefined && !this.hasEnded;
  }

  /** Whether the agent has said this itself already, as the last that it said. */
  hasSaid(text: string): boolean {
    return this.#lastSaid.includes(text.trim());
  }

  hear(event: NewEvent): void {
    if (event.type === "agent.message") this.#lastSaid = event.message?.toString() ?? "";
    for (const listener of [...this.#listeners]) listener(event);
  }

  end(end: TurnEnd): void {
    this.#endedAt ??= performance.now();
    this.#end.resolve(end);
  }
}
