import type { Usage } from "../../../../lib/contract/agent.ts";
import type { Problem } from "../../../../lib/contract/errors.ts";
import { isObject, type JsonObject, numberOf } from "../../../../lib/contract/json.ts";
import type { ProcessEnd } from "../../../processes/run-process.ts";
import { agentProblem, lastWords, type Obstacle } from "../problems.ts";
import type { AgentEnd, AgentEvents, OutputReader } from "../program.ts";

/** Reads the lines of `opencode run --format json`. None of them is the last: it is done when a step ends with `stop`. */
export class OpencodeOutput implements OutputReader {
  readonly #database: string;
  readonly #denied = new Set<string>();
  #session: string | undefined;
  #output: string | undefined;
  #isDone = false;
  #error: JsonObject | undefined;
  #usage: Usage;

  constructor(database: string, model?: string) {
    this.#database = database;
    this.#usage = model === undefined ? {} : { model };
  }

  line(value: JsonObject, events: AgentEvents): void {
    if (typeof value.sessionID === "string") this.#session = value.sessionID;
    const part = isObject(value.part) ? value.part : {};
    switch (value.type) {
      case "text":
        if (typeof part.text !== "string") break;
        this.#output = part.text;
        events.message(part.text);
        break;
      case "tool_use":
        this.#use(part, events);
        break;
      case "step_start":
        this.#isDone = false;
        break;
      case "step_finish":
        this.#isDone = part.reason === "stop";
        this.#usage = add(this.#usage, part);
        events.usage(this.#usage);
        break;
      case "retry":
        events.log(`the model is asked again (${String(value.attempt)}): ${String(value.message)}`);
        break;
      case "gave_up":
        this.#error = { name: "gave_up", data: { message: value.message, next: value.next } };
        break;
      case "error":
        this.#error = isObject(value.error) ? value.error : {};
        break;
      default:
    }
  }

  /** A tool is told of once it has ended; one that the model may not use at all, as a call of the tool `invalid`. */
  #use({ callID, tool, state }: JsonObject, events: AgentEvents): void {
    const { status, input, output, error } = isObject(state) ? state : {};
    const hidden = tool === "invalid" && isObject(input) && typeof input.tool === "string" ? input.tool : undefined;
    const [id, name] = [String(callID), hidden ?? String(tool)];
    const said = typeof output === "string" ? output : typeof error === "string" ? error : "";
    if (hidden === undefined ? status === "error" && DENIED.test(said) : TOOLS.includes(hidden)) this.#denied.add(name);
    events.toolCall({ id, name, input });
    events.toolResult({ id, name, isError: hidden !== undefined || status !== "completed", output: said });
  }

  get session(): string | undefined {
    return this.#session === undefined ? undefined : `${this.#session}@${this.#database}`;
  }

  end(exit: ProcessEnd, stderrTail: string): AgentEnd {
    const { session } = this;
    return {
      ...(this.#output !== undefined && { output: this.#output }),
      ...(session !== undefined && { session }),
      ...(this.#denied.size > 0 && { deniedTools: [...this.#denied] }),
      usage: this.#usage,
      ...((this.#error || !this.#isDone) && { error: this.#failure(exit, stderrTail) }),
    };
  }

  /** It ends at once, and without a word, where something that it asked for is rejected. */
  #failure(exit: ProcessEnd, stderrTail: string): Problem {
    if (this.#error || this.#denied.size === 0 || exit.exitCode !== 0) return failureOf(this.#error, exit, stderrTail);
    const names = [...this.#denied].join(", ");
    return agentProblem("opencode", "permission", `it ended when it was not allowed to use ${names}`);
  }
}

/** Those that it has; another name that it does not know is a mistake of the model. */
const TOOLS = [
  "bash",
  "edit",
  "write",
  "apply_patch",
  "read",
  "glob",
  "grep",
  "webfetch",
  "websearch",
  "task",
  "skill",
];
const DENIED = /rejected permission|specified a rule which prevents|permission.*(denied|rejected)/i;

/** Its input tokens are those that no cache had. It counts 0 where it knows no price, which says nothing of the cost. */
function add(before: Usage, { tokens, cost }: JsonObject): Usage {
  const { input, output, reasoning, cache } = isObject(tokens) ? tokens : {};
  const { read, write } = isObject(cache) ? cache : {};
  const costUsd = numberOf(before.costUsd) + numberOf(cost);
  return {
    ...(before.model !== undefined && { model: before.model }),
    inputTokens: numberOf(before.inputTokens) + numberOf(input) + numberOf(read) + numberOf(write),
    outputTokens: numberOf(before.outputTokens) + numberOf(output) + numberOf(reasoning),
    cachedTokens: numberOf(before.cachedTokens) + numberOf(read),
    ...(costUsd > 0 && { costUsd }),
    turns: numberOf(before.turns) + 1,
  };
}

const obstacles: readonly [number, RegExp, Obstacle][] = [
  [402, /usage limit|quota|credit balance/i, "usage_limit"],
  [429, /rate.?limit|exceed\w* your [\w' ]*limit|too many requests|exhausted/i, "busy"],
  [401, /ProviderAuthError|api.?key|authentication|unauthorized/i, "auth"],
  [403, /permission_error/, "auth"],
  [404, /ProviderModelNotFoundError|model not found|not_found_error/i, "model_unavailable"],
];

function failureOf(error: JsonObject | undefined, exit: ProcessEnd, stderrTail: string): Problem {
  const data = isObject(error?.data) ? error.data : {};
  const said = lastWords(data.message, exit, stderrTail);
  const text = `${error?.name ?? ""} ${said}`;
  const obstacle = obstacles.find(([status, pattern]) => data.statusCode === status || pattern.test(text))?.[2];
  // A provider that wants so long a pause has told of a limit of the account.
  if (typeof data.next === "number" && (obstacle === "busy" || obstacle === "usage_limit"))
    return agentProblem("opencode", "usage_limit", said, new Date(data.next));
  return agentProblem("opencode", obstacle ?? "agent_error", said);
}
