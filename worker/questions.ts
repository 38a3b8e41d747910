import { renameSync, rmSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { InvalidInputError } from "../lib/contract/errors.ts";
import {
  type Asked,
  type InputRequests,
  type InputResponse,
  type Question,
  questionText,
  readQuestions,
  requestsOf,
  uniqueKeys,
} from "../lib/contract/input-requests.ts";
import type { JsonObject } from "../lib/contract/json.ts";
import { defaultResponse, readResponses, toldAnswer } from "../lib/contract/questions/responses.ts";
import { AwakeTimer } from "./awake-timer.ts";
import type { NewEvent } from "./output/event-log.ts";
import type { JobTask } from "./runner.ts";

/** One question that nobody has answered yet. `take` hands the answer over, once. */
type Open = {
  asked: Asked;
  take(response: InputResponse): Promise<void>;
  isOfProgram: boolean;
  /** What stands where nobody answers and its form has no defaults. */
  otherwise?: InputResponse | undefined;
  /** Tells the asker that nobody will answer. */
  leave?(): void;
  timer?: AwakeTimer | undefined;
};

type Options = {
  limits: Pick<JobTask["limits"], "answerSeconds" | "unanswered">;
  /** Something is asked, answered or not asked any more. */
  onChange(): void;
  /** Nobody answered in time: with a default that stands for it, or for good. */
  onUnanswered(asked: Asked, response: InputResponse | undefined): void;
};

/**
 * What a job asks and is answered. A program asks with a `task.input_required` event. Its stdin has ended by then, because
 * programs that read it to the end must work; so its answers appear as a file, named to it by AGENTDISPATCH_INPUT_FILE, whole
 * at once, when all of the event's questions are answered. Its next event takes the place of the one before.
 */
export class Questions {
  readonly #open = new Map<string, Open>();
  /** What was answered: each is done once its asker has it. */
  readonly #taken = new Map<string, { asked: Asked; response: InputResponse; done: Promise<void> }>();
  readonly #used = new Set<string>();
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /** What is asked now, in the order in which it was. */
  get requests(): InputRequests {
    return requestsOf(new Map([...this.#open].map(([key, { asked }]) => [key, asked])));
  }

  /** Asks what a program's event says, with the answers in that file. Returns the event as everybody is told of it. */
  askInFile({ message, payload }: NewEvent, inputFile: string): NewEvent {
    rmSync(inputFile, { recursive: true, force: true });
    for (const [key, { isOfProgram }] of this.#open) if (isOfProgram) this.#close(key);
    const text = message?.toString();
    const named = uniqueKeys(readQuestions(payload, text), this.#used);
    const answers = new Map<string, unknown>();
    for (const [key, asked] of named) {
      const take = async (response: InputResponse) => {
        answers.set(asked.name, toldAnswer(asked, response));
        if (answers.size === named.size) writeWhole(inputFile, Object.fromEntries(answers));
      };
      this.#ask(key, { asked, take, isOfProgram: true });
    }
    this.#options.onChange();
    return eventOf(requestsOf(named), text);
  }

  /** Asks one thing beside what else is asked. The answer is undefined once it is not asked any more. */
  ask(
    name: string,
    question: Question["params"],
    { otherwise, signal }: { otherwise?: InputResponse; signal?: AbortSignal } = {},
  ): { event: NewEvent; answer: Promise<InputResponse | undefined> } {
    const { promise, resolve } = Promise.withResolvers<InputResponse | undefined>();
    const named = uniqueKeys(readQuestions({ [name]: question }), this.#used);
    for (const [key, asked] of named) {
      const take = async (response: InputResponse) => resolve(response);
      this.#ask(key, { asked, take, isOfProgram: false, otherwise, leave: () => resolve(undefined) });
      signal?.addEventListener("abort", () => {
        this.#leave(key);
        this.#options.onChange();
      });
    }
    this.#options.onChange();
    return { event: eventOf(requestsOf(named)), answer: promise };
  }

  /**
   * Hands over answers by their keys. False when one is not asked any more, was answered otherwise, or nothing is given. An
   * answer that was taken before is taken again, and does nothing. Throws InvalidInputError for what a form does not take, and
   * what the asker throws.
   */
  async answer(given: JsonObject): Promise<boolean> {
    const open = Object.entries(given).filter(([key]) => this.#open.has(key));
    const { responses, issues } = readResponses(this.requests, Object.fromEntries(open));
    if (issues.length > 0) throw new InvalidInputError(issues);
    const taken = Object.entries(given).flatMap(([key, said]) => this.#takenBefore(key, said) ?? []);
    for (const [key, response] of Object.entries(responses)) taken.push(this.#take(key, response));
    if (open.length > 0) this.#options.onChange();
    await Promise.all(taken);
    return taken.length > 0 && taken.length === Object.keys(given).length;
  }

  /** Asks nothing any more. */
  clear(): void {
    for (const key of [...this.#open.keys()]) this.#leave(key);
  }

  #ask(key: string, open: Open): void {
    const { answerSeconds } = this.#options.limits;
    const timer = answerSeconds === undefined ? undefined : new AwakeTimer(answerSeconds, () => this.#expire(key));
    this.#open.set(key, { ...open, timer });
  }

  #close(key: string): void {
    this.#open.get(key)?.timer?.clear();
    this.#open.delete(key);
  }

  #leave(key: string): void {
    const open = this.#open.get(key);
    this.#close(key);
    open?.leave?.();
  }

  #takenBefore(key: string, said: unknown): Promise<void> | undefined {
    const { asked, response, done } = this.#taken.get(key) ?? {};
    if (!asked) return undefined;
    const { responses, issues } = readResponses({ [key]: asked.question }, { [key]: said });
    return issues.length === 0 && isDeepStrictEqual(responses[key], response) ? done : undefined;
  }

  #expire(key: string): void {
    const open = this.#open.get(key);
    if (!open) return;
    const { limits, onUnanswered } = this.#options;
    const fallback = defaultResponse(open.asked.question) ?? open.otherwise;
    const response = limits.unanswered === "default" ? fallback : undefined;
    onUnanswered(open.asked, response);
    if (!response) return;
    void this.#take(key, response).catch(() => onUnanswered(open.asked, undefined));
    this.#options.onChange();
  }

  /** From now on it is answered; should its asker not get it, it is open again. */
  #take(key: string, response: InputResponse): Promise<void> {
    const open = this.#open.get(key);
    if (!open) return Promise.resolve();
    this.#close(key);
    const done = open.take(response);
    this.#taken.set(key, { asked: open.asked, response, done });
    done.catch(() => {
      this.#taken.delete(key);
      this.#ask(key, open);
      this.#options.onChange();
    });
    return done;
  }
}

const eventOf = (requests: InputRequests, text?: string): NewEvent => ({
  type: "task.input_required",
  message: text || questionText(requests),
  payload: requests,
});

/** At once: should the program ask something else meanwhile, no late answer may stand in the place of that one's. */
function writeWhole(file: string, answers: JsonObject): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(answers)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
