import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Usage } from "../../../../lib/contract/agent.ts";
import { isObject, type JsonObject, numberOf, parseJsonObject } from "../../../../lib/contract/json.ts";
import { NewLines } from "../growing-files.ts";
import type { AgentRun } from "../program.ts";
import { sessionsFolder } from "./home.ts";

/**
 * What one turn of gemini consumes. It prints that at its end alone; until then it is read from the file of its session, in which
 * each answer of a model has its tokens. Made before the turn starts.
 */
export class GeminiUsage {
  readonly #env: AgentRun["env"];
  readonly #lines = new NewLines((line) => this.#note(line));
  readonly #answers = new Map<string, JsonObject>();
  #file: string | undefined;
  #model: string | undefined;

  constructor(env: AgentRun["env"], resume: string | undefined) {
    this.#env = env;
    if (resume === undefined) return;
    this.#file = this.#find(resume);
    this.#lines.readOn(this.#file);
    this.#answers.clear();
  }

  /** So far; `result` is the last line that gemini prints. */
  of(session: string, result?: JsonObject): Usage {
    this.#file ??= this.#find(session);
    this.#lines.readOn(this.#file);
    const stats = isObject(result?.stats) ? result.stats : undefined;
    const sum = (name: string) => [...this.#answers.values()].reduce((total, each) => total + numberOf(each[name]), 0);
    return {
      inputTokens: stats ? numberOf(stats.input_tokens) : sum("input"),
      outputTokens: stats ? numberOf(stats.output_tokens) : sum("output") + sum("thoughts"),
      cachedTokens: stats ? numberOf(stats.cached) : sum("cached"),
      ...(this.#answers.size > 0 && { turns: this.#answers.size }),
      ...(this.#model !== undefined && { model: this.#model }),
    };
  }

  #find(session: string): string | undefined {
    try {
      const folder = sessionsFolder(this.#env);
      const name = readdirSync(folder).find((each) => each.endsWith(`-${session.slice(0, 8)}.jsonl`));
      return name && join(folder, name);
    } catch {
      return undefined;
    }
  }

  /** An answer is written again when its tools have ended. */
  #note(line: string): void {
    if (!line.includes('"tokens":{')) return;
    const { id, tokens, model } = parseJsonObject(line) ?? {};
    if (typeof id !== "string" || !isObject(tokens)) return;
    this.#answers.set(id, tokens);
    if (typeof model === "string") this.#model = model;
  }
}
