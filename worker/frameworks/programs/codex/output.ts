import type { Problem } from "../../../../lib/contract/errors.ts";
import { isObject, type JsonObject } from "../../../../lib/contract/json.ts";
import type { ProcessEnd } from "../../../processes/run-process.ts";
import { agentProblem, lastWords, type Obstacle } from "../problems.ts";
import type { AgentEnd, AgentEvents, AgentRun, OutputReader } from "../program.ts";
import { ThreadUsage } from "./thread.ts";

/** Reads the lines of `codex exec --json`: the items of one turn, which ends completed or failed. */
export class CodexOutput implements OutputReader {
  readonly #run: AgentRun;
  readonly #usage: ThreadUsage;
  readonly #called = new Set<string>();
  #thread: string | undefined;
  #output: string | undefined;
  #total: JsonObject | undefined;
  #failure: string | undefined;

  constructor(run: AgentRun) {
    this.#run = run;
    this.#usage = new ThreadUsage(run.env, run.resume);
  }

  line(value: JsonObject, events: AgentEvents): void {
    const { type, item, usage, message, error } = value;
    if (type === "thread.started" && typeof value.thread_id === "string") this.#thread = value.thread_id;
    if (type === "turn.completed") this.#total = isObject(usage) ? usage : {};
    if (type === "turn.failed") this.#failure = isObject(error) ? String(error.message) : "";
    // Most of these are retries; what ended the turn comes again in `turn.failed`.
    if (type === "error" && typeof message === "string") events.log(message);
    if (!isObject(item) || typeof item.id !== "string") return;
    if (type === "item.started" || type === "item.completed") this.#call({ ...item, id: item.id }, events);
    if (type === "item.completed") this.#complete({ ...item, id: item.id }, events);
    if (this.#thread !== undefined) events.usage(this.#usage.of(this.#thread));
  }

  #call(item: JsonObject & { id: string }, events: AgentEvents): void {
    const call = callOf(item);
    if (!call || this.#called.has(item.id)) return;
    this.#called.add(item.id);
    events.toolCall({ id: item.id, ...call });
  }

  #complete(item: JsonObject & { id: string }, events: AgentEvents): void {
    if (item.type === "agent_message" && typeof item.text === "string") {
      this.#output = item.text;
      events.message(item.text);
    } else if (item.type === "error") {
      events.log(String(item.message));
    } else {
      const call = callOf(item);
      if (call) events.toolResult({ id: item.id, name: call.name, isError: isFailed(item), output: outputOf(item) });
    }
  }

  get session(): string | undefined {
    return this.#thread;
  }

  end(exit: ProcessEnd, stderrTail: string): AgentEnd {
    const { resume } = this.#run;
    const session = this.#thread ?? resume;
    const deniedTools = [...stderrTail.matchAll(/(patch) rejected|reject (command)/g)].map(([, patch]) =>
      patch ? "apply_patch" : "exec_command",
    );
    const end: AgentEnd = {
      ...(this.#output !== undefined && { output: this.#output }),
      ...(session !== undefined && { session }),
      ...(deniedTools.length > 0 && { deniedTools: [...new Set(deniedTools)] }),
      usage: session === undefined ? {} : this.#usage.of(session, this.#total),
    };
    if (!this.#total) return { ...end, error: failureOf(lastWords(this.#failure, exit, stderrTail)) };
    return end;
  }
}

/** The call of a tool that an item is. */
function callOf(item: JsonObject): { name: string; input: unknown } | undefined {
  switch (item.type) {
    case "command_execution":
      return { name: "exec_command", input: { command: item.command } };
    case "file_change":
      return { name: "apply_patch", input: { changes: item.changes } };
    case "mcp_tool_call":
      return { name: `${item.server}.${item.tool}`, input: item.arguments };
    case "web_search":
      return { name: "web_search", input: { query: item.query } };
    default:
      return undefined;
  }
}

const isFailed = ({ status, error, exit_code: exitCode }: JsonObject): boolean =>
  (status !== undefined && status !== "completed") ||
  isObject(error) ||
  (typeof exitCode === "number" && exitCode !== 0);

function outputOf({ aggregated_output: output, result, error, status }: JsonObject): string {
  if (typeof output === "string") return output;
  if (isObject(error)) return String(error.message);
  if (!isObject(result)) return String(status ?? "");
  const parts = Array.isArray(result.content) ? result.content.filter(isObject) : [];
  const texts = parts.flatMap((part) => (typeof part.text === "string" ? [part.text] : []));
  return texts.length > 0 ? texts.join("\n") : JSON.stringify(result);
}

/** Codex tells its failures apart in words alone. */
const obstacles: readonly [RegExp, Obstacle][] = [
  [/usage limit|quota/i, "usage_limit"],
  [/status:? 429|too many requests|rate.?limit/i, "busy"],
  [/status 40[13]\b|missing environment variable|not logged in|refresh.?token|log(?:in| in| out) .*again/i, "auth"],
  [/model .*(?:does not exist|not supported|not found|access)|model_not_found/i, "model_unavailable"],
];

function failureOf(said: string): Problem {
  const obstacle = obstacles.find(([pattern]) => pattern.test(said))?.[1] ?? "agent_error";
  return agentProblem("codex", obstacle, said, obstacle === "usage_limit" ? resetOf(said) : undefined);
}

/** `try again at Nov 30th, 2026 12:53 AM` or `at 3:05 PM`, in the time zone of this machine. */
function resetOf(said: string): Date | undefined {
  const [, at] = /try again at ([^.]*[AP]M)/i.exec(said) ?? [];
  if (at === undefined) return undefined;
  const date = at.replace(/(\d)(?:st|nd|rd|th)\b/i, "$1");
  const isWhole = /\d{4}/.test(date);
  const reset = new Date(isWhole ? date : `${new Date().toDateString()} ${date}`);
  return isWhole || reset.getTime() > Date.now() ? reset : new Date(reset.getTime() + 86_400_000);
}
