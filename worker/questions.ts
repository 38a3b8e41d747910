import { rmSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { InvalidInputError } from "../lib/contract/errors.ts";
import {
  type Asked,
  type InputRequests,
  type InputResponse,
  questionText,
  readQuestions,
  requestsOf,
  uniqueKeys,
} from "../lib/contract/input-requests.ts";
import type { JsonObject } from "../lib/contract/json.ts";
import { readResponses, toldAnswer } from "../lib/contract/questions/responses.ts";
import type { NewEvent } from "./output/event-log.ts";

/** One question that nobody has answered yet. `take` hands the answer over, once. */
type Open = { asked: Asked; take(response: InputResponse): Promise<void>; isOfProgram: boolean };

/**
 * What a job asks and is answered. A program asks with a `task.input_required` event. Its stdin has ended by then, because
 * programs that read it to the end must work; so its answers appear as a file, named to it by AGENTDISPATCH_INPUT_FILE, whole
 * at once, when all of the event's questions are answered. Its next event takes the place of the one before.
 */
export class Questions {
  readonly #open = new Map<string, Open>();
  /** What was answered: each is done once its asker has it. */
  readonly #taken = new Map<string, Promise<void>>();
  readonly #used = new Set<string>();
  readonly #onChange: () => void;

  /** `onChange` is told when something is asked, answered or not asked any more. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** What is asked now, in the order in which it was. */
  get requests(): InputRequests {
    return requestsOf(new Map([...this.#open].map(([key, { asked }]) => [key, asked])));
  }

  /** Asks what a program's event says, with the answers in that file. Returns the event as everybody is told of it. */
  askInFile({ type, message, payload }: NewEvent, inputFile: string): NewEvent {
    rmSync(inputFile, { force: true });
    for (const [key, { isOfProgram }] of this.#open) if (isOfProgram) this.#open.delete(key);
    const text = message?.toString();
    const named = uniqueKeys(readQuestions(payload, text), this.#used);
    const answers: JsonObject = {};
    const take = (asked: Asked) => async (response: InputResponse) => {
      answers[asked.key] = toldAnswer(asked, response);
      if (Object.keys(answers).length === named.size) await writeWhole(inputFile, answers);
    };
    for (const [key, asked] of named) this.#open.set(key, { asked, take: take(asked), isOfProgram: true });
    this.#onChange();
    const requests = requestsOf(named);
    return { type, message: text || questionText(requests), payload: requests };
  }

  /**
   * Hands over answers by their keys. False when one is not asked any more, or nothing is given. An answer that was taken
   * before is taken again, and does nothing. Throws InvalidInputError for what a form does not take, and what the asker throws.
   */
  async answer(given: JsonObject): Promise<boolean> {
    const taken = Object.keys(given).flatMap((key) => this.#taken.get(key) ?? []);
    const fresh = Object.entries(given).filter(([key]) => this.#open.has(key));
    const { responses, issues } = readResponses(this.requests, Object.fromEntries(fresh));
    if (issues.length > 0) throw new InvalidInputError(issues);
    for (const [key, response] of Object.entries(responses)) {
      const open = this.#open.get(key);
      if (open) taken.push(this.#take(key, open, response));
    }
    if (fresh.length > 0) this.#onChange();
    await Promise.all(taken);
    return taken.length > 0 && taken.length === Object.keys(given).length;
  }

  /** Asks nothing any more. */
  clear(): void {
    this.#open.clear();
  }

  /** From now on it is answered; should its asker not get it, it is open again. */
  #take(key: string, open: Open, response: InputResponse): Promise<void> {
    this.#open.delete(key);
    const done = open.take(response);
    this.#taken.set(key, done);
    done.catch(() => {
      this.#taken.delete(key);
      this.#open.set(key, open);
      this.#onChange();
    });
    return done;
  }
}

async function writeWhole(file: string, answers: JsonObject): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(answers)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
