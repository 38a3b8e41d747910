import type { Problem } from "../../../../lib/contract/errors.ts";
import { isObject, type JsonObject } from "../../../../lib/contract/json.ts";
import type { ProcessEnd } from "../../../processes/run-process.ts";
import { agentProblem, lastWords, type Obstacle } from "../problems.ts";
import type { AgentEnd, AgentEvents, AgentRun, OutputReader } from "../program.ts";
import { GeminiUsage } from "./usage.ts";

/** Tools that gemini hides from its model where it may not use them; another name that it does not know is a mistake. */
const TOOLS = ["run_shell_command", "write_file", "replace", "web_fetch", "google_web_search", "save_memory"];

/** Reads the lines of `gemini --output-format stream-json`. It is done where a `result` says so, whatever its exit code. */
export class GeminiOutput implements OutputReader {
  readonly #run: AgentRun;
  readonly #usage: GeminiUsage;
  readonly #denied = new Set<string>();
  readonly #names = new Map<string, string>();
  /** What the model is saying, which arrives in pieces. */
  #saying = "";
  #output: string | undefined;
  #session: string | undefined;
  #isAnswered = false;
  #result: JsonObject | undefined;

  constructor(run: AgentRun) {
    this.#run = run;
    this.#usage = new GeminiUsage(run.env, run.resume);
  }

  line(value: JsonObject, events: AgentEvents): void {
    switch (value.type) {
      case "init":
        if (typeof value.session_id === "string") this.#session = value.session_id;
        break;
      case "message":
        if (value.role === "assistant" && typeof value.content === "string") this.#saying += value.content;
        break;
      case "tool_use":
        this.#say(events);
        this.#call(value, events);
        break;
      case "tool_result":
        this.#complete(value, events);
        break;
      case "result":
        this.#say(events);
        this.#result = value;
        break;
      default:
    }
    if (value.type !== "message" && this.#session !== undefined) events.usage(this.#usage.of(this.#session));
  }

  #say(events: AgentEvents): void {
    if (this.#saying.trim() === "") return;
    this.#isAnswered = true;
    this.#output = this.#saying;
    events.message(this.#saying);
    this.#saying = "";
  }

  #call({ tool_id: id, tool_name: name, parameters }: JsonObject, events: AgentEvents): void {
    this.#isAnswered = true;
    this.#names.set(String(id), String(name));
    events.toolCall({ id: String(id), name: String(name), input: parameters });
  }

  #complete({ tool_id: id, status, output, error }: JsonObject, events: AgentEvents): void {
    const name = this.#names.get(String(id)) ?? "";
    const { type, message } = isObject(error) ? error : {};
    if (
      type === "policy_violation" ||
      (type === "tool_not_registered" && (TOOLS.includes(name) || this.#run.tools.deniedTools?.includes(name))) ||
      /requires user confirmation/.test(String(message))
    )
      this.#denied.add(name);
    const said = typeof output === "string" ? output : typeof message === "string" ? message : "";
    events.toolResult({ id: String(id), name, isError: status !== "success", output: said });
  }

  /** A session without an answer cannot be gone on with. */
  get session(): string | undefined {
    return this.#isAnswered ? this.#session : undefined;
  }

  end(exit: ProcessEnd, stderrTail: string): AgentEnd {
    const session = this.session ?? this.#run.resume;
    const end: AgentEnd = {
      ...(this.#output !== undefined && { output: this.#output }),
      ...(session !== undefined && { session }),
      ...(this.#denied.size > 0 && { deniedTools: [...this.#denied] }),
      usage: this.#session === undefined ? {} : this.#usage.of(this.#session, this.#result),
    };
    if (this.#result?.status !== "success") return { ...end, error: failureOf(this.#result, exit, stderrTail) };
    return end;
  }
}

/** What it exits with, where that says more than its text; above 127 it is the HTTP status of a model's refusal, less 256. */
const obstacles: readonly [number, RegExp, Obstacle][] = [
  [53, /FatalTurnLimitedError/, "budget"],
  [173, /exhausted|quota|RESOURCE_EXHAUSTED|"code":429/i, "busy"],
  [41, /API key not valid|UNAUTHENTICATED|must specify the GEMINI_API_KEY|auth method/i, "auth"],
  [145, /"code":401/, "auth"],
  [147, /"code":403|PERMISSION_DENIED/, "auth"],
  [148, /is not found for API version|model.*not found|"code":404/i, "model_unavailable"],
];

/** What no pause of seconds brings back; of any other limit it only asks to try again, in the same words for all. */
const isSpent = (said: string): boolean => /\bdaily\b|\bper ?day\b|quota will reset/i.test(said);

function failureOf(result: JsonObject | undefined, exit: ProcessEnd, stderrTail: string): Problem {
  const { type, message } = result && isObject(result.error) ? result.error : {};
  const said = lastWords(message, exit, stderrTail);
  const text = `${type} ${said}`;
  const matches = ([code, pattern]: (typeof obstacles)[number]) => exit.exitCode === code || pattern.test(text);
  const obstacle = obstacles.find(matches)?.[2] ?? "agent_error";
  return agentProblem("gemini", obstacle === "busy" && isSpent(said) ? "usage_limit" : obstacle, said);
}
