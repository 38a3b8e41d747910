import { isObject } from "../../contract/json.ts";
import type { ShortRecord, TaskRecord } from "../../contract/tools/task-record.ts";

/** What an agent answered, as text: its `output` where it gave one, else its `result` as JSON, else all of it. */
export function outputText(result: unknown): string | undefined {
  if (typeof result === "string") return result;
  if (isObject(result) && typeof result.output === "string") {
    return result.output === "" && result.result !== undefined ? JSON.stringify(result.result, null, 2) : result.output;
  }
  return result === undefined || result === null ? undefined : JSON.stringify(result, null, 2);
}

/** What a task is, in its own words: the instruction of an agent, what two talk about, or `$` and the command. */
export function whatOf(task: ShortRecord | TaskRecord): string {
  const said = "input" in task ? (task.input.instruction ?? task.input.command ?? task.input.topic) : task.summary;
  if (typeof said !== "string") return "";
  return task.taskType === "command.run" && said ? `$ ${said}` : said;
}

/** What the models of a task took and cost, and what AWS may take besides, in words; nothing where that is not known. */
export function usageWords(usage: Record<string, unknown> = {}): string {
  const tokens = [usage.inputTokens, usage.outputTokens].filter((count) => typeof count === "number");
  const words = [
    typeof usage.turns === "number" && `${usage.turns} turn${usage.turns === 1 ? "" : "s"}`,
    tokens.length > 0 && `${tokens.reduce((sum, count) => sum + count, 0)} tokens`,
    typeof usage.costUsd === "number" && `$${usage.costUsd.toFixed(4)}`,
    awsWords(usage.estimate),
  ];
  return words.filter((word) => word !== false).join(", ");
}

function awsWords(estimate: unknown): string | false {
  const { controlPlaneUsd = 0, computeUsdAtMost } = isObject(estimate) ? estimate : {};
  if (typeof controlPlaneUsd !== "number" || typeof computeUsdAtMost !== "number") return false;
  return `about $${(controlPlaneUsd + computeUsdAtMost).toFixed(4)} for AWS at most`;
}
