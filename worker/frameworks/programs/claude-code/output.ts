import * as z from "zod";
import type { Usage } from "../../../../lib/contract/agent.ts";
import { defined, isObject, type JsonObject } from "../../../../lib/contract/json.ts";
import { lastLineOf } from "../../../output/capture.ts";
import { processFailure } from "../../../processes/exit-problem.ts";
import type { ProcessEnd } from "../../../processes/run-process.ts";
import type { AgentEnd, AgentEvents, AgentRun, OutputReader } from "../program.ts";
import { type ClaudeFailure, claudeProblem, type ResultLine, resultLine } from "./problem.ts";
import { ClaudeWork } from "./work.ts";

const count = z.number().optional().catch(undefined);
const tokens = z.object({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
});
type Tokens = z.infer<typeof tokens>;

const block = z.looseObject({ type: z.string() });
const message = z.object({
  id: z.string().catch(""),
  model: z.string().catch(""),
  content: z.union([z.string(), z.array(block)]).catch([]),
  usage: tokens.optional().catch(undefined),
});
const toolUse = z.object({ id: z.string(), name: z.string(), input: z.unknown().optional() });
const toolResult = z.object({
  tool_use_id: z.string(),
  is_error: z.boolean().optional().catch(undefined),
  content: z.unknown().optional(),
});
const init = z.object({
  mcp_servers: z.array(z.object({ name: z.string(), status: z.string() })).catch([]),
});
const retry = z.object({ attempt: z.number(), max_retries: z.number(), error: z.string().catch("an error") });
const progress = z.object({ tool_name: z.string(), elapsed_time_seconds: z.number() });

/** Reads the lines of `claude -p --output-format stream-json`. Lines and fields of other versions are left alone. */
export class ClaudeOutput implements OutputReader {
  readonly #run: AgentRun;
  /** Tokens of each call of a model, by the id of its message; those of an answer come late, or never. */
  readonly #calls = new Map<string, Tokens>();
  readonly #denied: string[] = [];
  readonly #failure: ClaudeFailure = {};
  readonly #work = new ClaudeWork();
  /** A run can print several; the last is the answer, and what each has used is counted from the one before it. */
  readonly #results: ResultLine[] = [];
  #calling = "";
  #text = "";
  #model: string | undefined;
  #session: string | undefined;

  constructor(run: AgentRun) {
    this.#run = run;
  }

  line(value: JsonObject, events: AgentEvents): void {
    this.#work.line(value);
    switch (value.type) {
      case "system":
        this.#system(value, events);
        break;
      case "assistant":
        this.#assistant(value, events);
        break;
      case "user":
        this.#toolResults(value, events);
        break;
      case "stream_event":
        if (isObject(value.event)) this.#partial(value.event, events);
        break;
      case "rate_limit_event":
        this.#failure.limit = value.rate_limit_info;
        break;
      case "tool_progress":
        this.#progress(value, events);
        break;
      case "result": {
        const { success, data } = resultLine.safeParse(value);
        if (success) this.#results.push(data);
      }
    }
  }

  get session(): string | undefined {
    return this.#session;
  }

  end(exit: ProcessEnd, stderrTail: string): AgentEnd {
    const last = this.#results.at(-1);
    const usage = this.#results.length > 0 ? this.#finalUsage() : this.#usageSoFar();
    const denials = this.#results.flatMap(({ permission_denials }) => permission_denials.map((each) => each.tool_name));
    const common = defined({
      usage,
      session: this.#session ?? this.#run.resume,
      deniedTools: [...new Set([...denials, ...this.#denied])],
      isAtWork: this.#work.isGoingOn,
    });
    if (last && !last.is_error) {
      return { ...common, output: last.result ?? this.#text, ...jsonOf(last) };
    }
    const said = lastLineOf(stderrTail);
    const error = last
      ? claudeProblem(last, this.#failure, this.#run)
      : processFailure(exit, "claude", "task.agent_error", said);
    const silent = claudeProblem(undefined, { ...this.#failure, said }, this.#run);
    return { ...common, output: this.#text, error: error ?? silent };
  }

  #system(value: JsonObject, events: AgentEvents): void {
    if (value.subtype === "init") {
      for (const { name, status } of init.parse(value).mcp_servers) {
        if (status === "failed") events.log(`the MCP server ${name} did not start`);
      }
    }
    if (value.subtype === "api_retry") {
      const { success, data } = retry.safeParse(value);
      if (success)
        events.log(`the model did not answer (${data.error}); attempt ${data.attempt} of ${data.max_retries}`);
    }
    if (value.subtype === "permission_denied") this.#denied.push(String(value.tool_name));
  }

  #progress(value: JsonObject, events: AgentEvents): void {
    const { success, data } = progress.safeParse(value);
    if (success) events.progress(`${data.tool_name} has run for ${Math.round(data.elapsed_time_seconds)} s`);
  }

  #assistant(value: JsonObject, events: AgentEvents): void {
    const { success, data } = message.safeParse(value.message);
    if (!success) return;
    if (typeof value.error === "string") {
      // Its text is the program's, not the model's.
      this.#failure.error = value.error;
      return;
    }
    this.#knowSession(value);
    this.#model = data.model || this.#model;
    // Of one call there are as many lines as its answer has parts.
    if (data.usage && !this.#calls.has(data.id)) this.#count(data.id, data.usage, events);
    const isSubagent = typeof value.parent_tool_use_id === "string";
    const texts: string[] = [];
    for (const part of Array.isArray(data.content) ? data.content : []) {
      if (part.type === "text" && !isSubagent) texts.push(String(part.text));
      const call = part.type === "tool_use" ? toolUse.safeParse(part) : undefined;
      if (call?.success) events.toolCall({ input: {}, ...call.data });
    }
    if (texts.length === 0) return;
    this.#text = texts.join("\n");
    events.message(this.#text);
  }

  #toolResults(value: JsonObject, events: AgentEvents): void {
    this.#knowSession(value);
    const { success, data } = message.safeParse(value.message);
    if (!success || !Array.isArray(data.content)) return;
    for (const part of data.content) {
      const result = part.type === "tool_result" ? toolResult.safeParse(part) : undefined;
      if (!result?.success) continue;
      const { tool_use_id: id, is_error: isError = false, content } = result.data;
      events.toolResult({ id, isError, output: textOf(content) });
    }
  }

  /** The pieces of an answer, which alone tell its tokens while it runs. */
  #partial(event: JsonObject, events: AgentEvents): void {
    if (event.type === "message_start") {
      const { success, data } = message.safeParse(event.message);
      if (!success) return;
      this.#calling = data.id;
      if (data.usage) this.#count(data.id, data.usage, events);
    }
    const { success, data } = tokens.safeParse(event.type === "message_delta" ? event.usage : undefined);
    if (success) this.#count(this.#calling, { ...this.#calls.get(this.#calling), ...defined(data) }, events);
  }

  #count(id: string, used: Tokens, events: AgentEvents): void {
    this.#calls.set(id, used);
    events.usage(this.#usageSoFar());
  }

  /** Of a session that has no more than its beginning, nothing can go on. */
  #knowSession({ session_id }: JsonObject): void {
    if (typeof session_id === "string") this.#session = session_id;
  }

  #usageSoFar(): Usage {
    const calls = [...this.#calls.values()];
    const sum = (field: keyof Tokens) => calls.reduce((total, each) => total + (each[field] ?? 0), 0);
    if (calls.length === 0) return {};
    const cachedTokens = sum("cache_read_input_tokens");
    return defined({
      inputTokens: sum("input_tokens") + cachedTokens + sum("cache_creation_input_tokens"),
      outputTokens: sum("output_tokens"),
      cachedTokens,
      turns: calls.length,
      model: this.#model,
    });
  }

  /** What this process has used; the totals in its lines are those of the whole session. */
  #finalUsage(): Usage {
    const used = this.#results.flatMap((result) => Object.values(result.model_usage_since_last_result));
    const sum = (field: keyof (typeof used)[number]) => used.reduce((total, each) => total + each[field], 0);
    if (used.length === 0) return this.#usageSoFar();
    const cachedTokens = sum("cacheReadInputTokens");
    return defined({
      inputTokens: sum("inputTokens") + cachedTokens + sum("cacheCreationInputTokens"),
      outputTokens: sum("outputTokens"),
      cachedTokens,
      costUsd: Number(sum("costUSD").toFixed(9)),
      turns: this.#calls.size,
      model: this.#model,
    });
  }
}

const jsonOf = ({ structured_output: result }: ResultLine): { result?: unknown } =>
  result === undefined ? {} : { result };

/** What a tool gave: text, or parts of which some are text. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (part?.type === "text" ? String(part.text) : `[${part?.type ?? "?"}]`)).join("\n");
}
