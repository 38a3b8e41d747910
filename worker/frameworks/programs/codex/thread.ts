import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import type { Usage } from "../../../../lib/contract/agent.ts";
import { isObject, type JsonObject, numberOf, parseJsonObject } from "../../../../lib/contract/json.ts";
import { copyLonger, NewLines } from "../growing-files.ts";

const DAY_MS = 86_400_000;

type Environment = Readonly<Record<string, string>>;

/** Whether a text can be the id of a thread: any other is a name to codex, for which it starts a new one. */
export const isThreadId = (id: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id);

/**
 * The folders by day that can hold a thread's file. The id has the time of its birth (a UUID of version 7), the folder the
 * day that it was then in the time zone of whoever ran it.
 */
function foldersOf(env: Environment, id: string): string[] {
  const bornAt = Number.parseInt(id.replace("-", "").slice(0, 12), 16);
  return [0, -DAY_MS, DAY_MS].map((shift) => {
    const [year = "", month = "", day = ""] = new Date(bornAt + shift).toISOString().slice(0, 10).split("-");
    return join(env.CODEX_HOME || join(env.HOME ?? homedir(), ".codex"), "sessions", year, month, day);
  });
}

/** The file in which codex keeps a thread, undefined where there is none. */
export function threadFile(env: Environment, id: string): string | undefined {
  if (!isThreadId(id)) return undefined;
  for (const folder of foldersOf(env, id)) {
    try {
      const name = readdirSync(folder).find((each) => each.startsWith("rollout-") && each.endsWith(`-${id}.jsonl`));
      if (name !== undefined) return join(folder, name);
    } catch {}
  }
  return undefined;
}

/** Puts a thread's file where codex looks for it. */
export async function restoreThread(env: Environment, id: string, file: string): Promise<void> {
  const [folder = ""] = foldersOf(env, id);
  await copyLonger(file, threadFile(env, id) ?? join(folder, basename(file)));
}

/**
 * What one turn of a thread consumes, read from the thread's own file: codex prints totals of the whole thread, and only at
 * the end of the turn. Made before the turn starts.
 */
export class ThreadUsage {
  readonly #env: Environment;
  #file: string | undefined;
  readonly #lines = new NewLines((line) => this.#note(line));
  #before: JsonObject = {};
  #total: JsonObject = {};
  #turns = 0;
  #model: string | undefined;

  constructor(env: Environment, resume: string | undefined) {
    this.#env = env;
    if (resume === undefined) return;
    this.#file = threadFile(env, resume);
    this.#lines.readOn(this.#file);
    this.#before = this.#total;
    this.#turns = 0;
  }

  /** What the turn has consumed so far; `printed` is the total of the thread as codex prints it. */
  of(id: string, printed?: JsonObject): Usage {
    this.#file ??= threadFile(this.#env, id);
    this.#lines.readOn(this.#file);
    const total = printed ?? this.#total;
    const spent = (name: string) => Math.max(0, numberOf(total[name]) - numberOf(this.#before[name]));
    return {
      inputTokens: spent("input_tokens"),
      outputTokens: spent("output_tokens"),
      cachedTokens: spent("cached_input_tokens"),
      ...(this.#turns > 0 && { turns: this.#turns }),
      ...(this.#model !== undefined && { model: this.#model }),
    };
  }

  #note(line: string): void {
    const isContext = line.includes('"type":"turn_context"');
    if (!isContext && !line.includes('"type":"token_count"')) return;
    const { payload } = parseJsonObject(line) ?? {};
    if (!isObject(payload)) return;
    if (isContext && typeof payload.model === "string") this.#model = payload.model;
    const total = isObject(payload.info) ? payload.info.total_token_usage : undefined;
    if (!isObject(total)) return;
    this.#total = total;
    this.#turns++;
  }
}
