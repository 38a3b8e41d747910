import type { ToolResult } from "../../../contract/tools/index.ts";
import type { Usage, UsageGroup } from "../../../contract/tools/usage.ts";
import { ask } from "../ask.ts";
import type { Context } from "../context.ts";
import { type Io, write } from "../io.ts";
import { columnsOf, formatDuration, oneLine, paint, printJson, table } from "../print.ts";
import type { Place } from "../systems/place.ts";

/** `agent-dispatch stats [--since] [--by]` */
export async function stats(
  context: Context,
  { since, by, ...options }: Place & { json?: boolean; since: string; by: UsageGroup },
): Promise<number> {
  const told = await ask(context, options, "get_usage", { since, by });
  if (options.json) await printJson(context.io, told);
  else await print(context.io, told);
  return 0;
}

async function print(io: Io, { since, by, total, items, more, incomplete }: ToolResult<"get_usage">): Promise<void> {
  const { stdout, stderr } = io;
  const facts = Object.entries(factsOf(total)).filter(([, text]) => text !== "");
  await write(
    stdout,
    table([["since", since], ...facts].map(([name = "", text = ""]) => [paint(stdout, "dim", name), text])),
  );
  if (items.length > 0) {
    const head = [by, "tasks", "failed", "median", "tokens", "models", "estimated"];
    const rows = items.map((row) => [
      oneLine(row.key),
      String(row.tasks),
      row.failed > 0 ? String(row.failed) : "",
      row.medianSeconds === undefined ? "" : formatDuration(row.medianSeconds * 1000),
      tokensOf(row),
      modelsOf(row),
      estimateOf(row),
    ]);
    await write(stdout, `\n${table([head.map((name) => paint(stdout, "dim", name)), ...rows], columnsOf(stdout))}`);
  }
  if (more !== undefined) await write(stderr, `› and ${more} more\n`);
  if (incomplete) await write(stderr, "› there are more tasks than are counted: these are the newest\n");
}

function factsOf(total: Usage): Record<string, string> {
  const { tasks, succeeded, failed, cancelled, outcomes = {}, medianSeconds, p90Seconds, maxSeconds } = total;
  const counts = { succeeded, failed, cancelled };
  const said = Object.entries(outcomes).map(([name, count]) => `${count} ${name.replace("_", " ")}`);
  const ended = Object.entries(counts).flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : []));
  const spans = { median: medianSeconds, "nine of ten within": p90Seconds, longest: maxSeconds };
  const times = Object.entries(spans).flatMap(([name, seconds]) =>
    seconds === undefined ? [] : [`${name} ${formatDuration(seconds * 1000)}`],
  );
  return {
    tasks: [String(tasks), ...ended].join(", "),
    "agents said": said.join(", "),
    time: times.join(", "),
    tokens: tokensOf(total),
    models: total.costTold > 0 ? `${modelsOf(total)}, by list prices, of ${total.costTold} tasks` : "",
    estimated: total.estimate ? `${estimateOf(total)}, by prices of ${total.estimate.pricesOf}` : "",
  };
}

const tokensOf = ({ inputTokens, outputTokens }: Usage): string =>
  inputTokens + outputTokens > 0 ? `${inputTokens} in, ${outputTokens} out` : "";

const modelsOf = ({ costUsd, costTold }: Usage): string => (costTold > 0 ? `$${costUsd.toFixed(4)}` : "");

/** Its session as if it had been busy all the time. */
const estimateOf = ({ estimate }: Usage): string =>
  estimate ? `at most $${(estimate.controlPlaneUsd + estimate.computeUsdAtMost).toFixed(4)}` : "";
