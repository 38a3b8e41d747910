import type { JsonObject } from "../../../../lib/contract/json.ts";

/** Whether claude is at work: also after a result, of which a run prints one at the end of each turn. */
export class ClaudeWork {
  #isInTurn = false;
  #isInBackground = false;

  line({ type, subtype, tasks }: JsonObject): void {
    if (type === "result") this.#isInTurn = false;
    // What has ended in the background is told to the model, in a turn of its own.
    if (type === "assistant" || subtype === "init" || subtype === "task_notification") this.#isInTurn = true;
    if (subtype === "background_tasks_changed") this.#isInBackground = Array.isArray(tasks) && tasks.length > 0;
  }

  get isGoingOn(): boolean {
    return this.#isInTurn || this.#isInBackground;
  }
}
