import type { Usage } from "../../lib/contract/agent.ts";
import { isObject } from "../../lib/contract/json.ts";
import { previewText, previewValue } from "../../lib/contract/preview.ts";
import { clip } from "../parse.ts";
import type { JobContext } from "../runner.ts";
import { soundUsage } from "./sound-usage.ts";

/** An event is at most 64 KB of JSON, in which a character may take six bytes. */
const MAX_MESSAGE_LENGTH = 10_000;
const MAX_PREVIEW_LENGTH = 2000;
const MAX_LINE_LENGTH = 200;

/** What an agent does, as it happens: as events within the budget of the task, and as lines that a person reads in its log. */
export type AgentEvents = {
  message(text: string): void;
  toolCall(call: { id: string; name: string; input: unknown }): void;
  toolResult(result: { id: string; name?: string; isError: boolean; output: string }): void;
  /** What was consumed so far, in all; a budget is watched by it. */
  usage(usage: Usage): void;
  progress(text: string): void;
  log(text: string): void;
};

/** What came of the tools, which tells an agent that could do nothing from one that only went without some of them. */
export type ToolCounts = { called: number; succeeded: number };

/** Publishes what an agent does. `onUsage` hears of everything that is consumed. */
export function agentEvents(
  job: Pick<JobContext, "emit" | "log">,
  onUsage: (usage: Usage) => void,
): AgentEvents & { readonly tools: ToolCounts } {
  const tools: ToolCounts = { called: 0, succeeded: 0 };
  const names = new Map<string, string>();
  let turns = 0;
  let lastUsage = "";
  const line = (text: string) => job.log.write("stdout", `${text}\n`);
  return {
    tools,
    message(text) {
      if (text.trim() === "") return;
      job.emit({ type: "agent.message", message: previewText(text, MAX_MESSAGE_LENGTH) });
      line(text.trimEnd());
    },
    toolCall({ id, name, input }) {
      tools.called += 1;
      names.set(id, name);
      const shown = { id: clip(id, 200), name: clip(name, 200), input: previewValue(input, MAX_PREVIEW_LENGTH) };
      job.emit({ type: "agent.tool_call", payload: shown });
      const text = clip(`${name} ${argumentsOf(input)}`.trimEnd(), MAX_LINE_LENGTH);
      line(`→ ${text}`);
      const message = turns > 0 ? `turn ${turns}: ${text}` : text;
      job.emit({ type: "task.progress", message, payload: { turns, tool: shown.name } });
    },
    toolResult({ id, name = names.get(id), isError, output }) {
      names.delete(id);
      if (!isError) tools.succeeded += 1;
      const preview = previewText(output, MAX_PREVIEW_LENGTH);
      const shown = { id: clip(id, 200), ...(name !== undefined && { name: clip(name, 200) }), isError };
      job.emit({ type: "agent.tool_result", payload: { ...shown, output: preview } });
      if (isError) line(`✗ ${clip(`${name ?? "tool"}: ${oneLine(output)}`, MAX_LINE_LENGTH)}`);
    },
    usage(told) {
      const usage = soundUsage(told);
      turns = usage.turns ?? turns;
      const said = JSON.stringify(usage);
      if (said !== lastUsage) job.emit({ type: "agent.usage", payload: usage });
      lastUsage = said;
      onUsage(usage);
    },
    progress: (text) => void job.emit({ type: "task.progress", message: clip(text, 1000), payload: { turns } }),
    log: (text) => line(text.trimEnd()),
  };
}

/** What tools call the argument that says most. */
const TELLING = ["command", "file_path", "path", "filePath", "pattern", "query", "url", "description", "prompt"];

function argumentsOf(input: unknown): string {
  if (typeof input === "string") return oneLine(input);
  if (!isObject(input)) return "";
  const told = TELLING.map((name) => input[name]).find((value) => typeof value === "string" && value !== "");
  if (typeof told === "string") return oneLine(told);
  return Object.keys(input).length === 0 ? "" : JSON.stringify(previewValue(input, MAX_LINE_LENGTH));
}

const oneLine = (text: string): string => text.slice(0, 2000).replaceAll(/\s+/g, " ").trim();
