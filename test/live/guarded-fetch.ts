import { appendFileSync } from "node:fs";
import type { Door } from "../../lib/client/http/door.ts";
import { isObject, type JsonObject } from "../../lib/contract/json.ts";
import { type Budget, exceeds, mostOf, said, TASK_SECONDS, useOf } from "./plan.ts";

/** Under this in a task's metadata stands the run that it is of. */
export const MARK = "agentdispatchLiveRun";

type Options = {
  door: Pick<Door, "authorize">;
  mark: string;
  budget: Budget;
  /** Gets the id of each task that is dispatched, in a line of its own. */
  journal: string;
};

/**
 * Fetches as whoever opens the door. A call that dispatches a task gets the run's mark and a time after which its job ends, and
 * is refused, before anything is sent, when the budget might not be enough for it.
 */
export function guardedFetch({ door, mark, budget, journal }: Options) {
  let reserved = 0;

  function guarded(message: unknown): unknown {
    if (!isObject(message) || message.method !== "tools/call" || !isObject(message.params)) return message;
    const { name, arguments: given } = message.params;
    if ((name !== "dispatch_task" && name !== "spawn_cloud_agent") || !isObject(given)) return message;
    const asked = typeof given.timeout_seconds === "number" ? given.timeout_seconds : TASK_SECONDS;
    const timeout_seconds = Math.min(asked, TASK_SECONDS);
    const next = useOf(reserved + mostOf(timeout_seconds));
    if (exceeds(next, budget))
      throw new Error(`the budget of ${said(budget)} is not enough for another task: with it ${said(next)}`);
    reserved += mostOf(timeout_seconds);
    const metadata: JsonObject = { ...(isObject(given.metadata) ? given.metadata : {}), [MARK]: mark };
    const marked = { ...given, timeout_seconds, metadata };
    return { ...message, params: { ...message.params, arguments: marked } };
  }

  return async (to: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(to);
    const method = init.method ?? "GET";
    const sent = typeof init.body === "string" ? guarded(JSON.parse(init.body)) : undefined;
    const text = sent === undefined ? "" : JSON.stringify(sent);
    const headers = Object.fromEntries(new Headers(init.headers));
    const body = Buffer.from(text);
    const { host: _, ...opening } = await door.authorize({ method, url, headers, body });
    const answer = await fetch(url, { ...init, headers: { ...headers, ...opening }, body: text === "" ? null : text });
    if (text.includes(MARK)) void note(answer.clone());
    return answer;
  };

  async function note(answer: Response): Promise<void> {
    const found = /task_[0-9a-f]{32}/.exec(await answer.text().catch(() => ""));
    if (found) appendFileSync(journal, `${found[0]}\n`);
  }
}
