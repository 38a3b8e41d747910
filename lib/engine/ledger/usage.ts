import type { LedgerEntry } from "../../contract/costs/ledger.ts";
import { InvalidInputError } from "../../contract/errors.ts";
import { defined } from "../../contract/json.ts";
import { countFitting, LIST_ENDS, MAX_REPLY } from "../../contract/replies/reply-size.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import type { UsageGroup } from "../../contract/tools/usage.ts";
import type { Ports } from "../ports.ts";
import { entriesOf } from "./entries.ts";
import { sumOf } from "./sum.ts";

/** Tasks that one answer counts, the newest. */
const MAX_COUNTED = 50_000;
const USUAL_SPAN = "30d";
const DAY_MS = 86_400_000;

/** What a task counts under; undefined where it counts under none. */
const keys: Record<UsageGroup, (entry: LedgerEntry) => string | undefined> = {
  agent: ({ taskType, profile }) => (taskType === "agent.run" ? profile : undefined),
  profile: ({ profile }) => profile,
  day: ({ createdAtMs }) => new Date(createdAtMs).toISOString().slice(0, 10),
  task: ({ taskId }) => taskId,
  turn: ({ taskId, conversation }) => (conversation === undefined ? undefined : taskId),
  conversation: ({ conversation }) => conversation,
  tree: ({ tree }) => tree,
  owner: ({ owner }) => owner,
};
type Row = ToolResult<"get_usage">["items"][number];

/** What those come first by: the latest day, the newest task, else what cost most. */
const dearest = (a: Row, b: Row) => b.costUsd - a.costUsd || b.tasks - a.tasks || (a.key < b.key ? -1 : 1);
const order: Partial<Record<UsageGroup, (a: Row, b: Row) => number>> = {
  day: (a, b) => (a.key < b.key ? 1 : -1),
  task: () => 0,
  turn: () => 0,
};

/**
 * What an owner's tasks took and cost that have ended and were dispatched since then, together and by what is asked for. A
 * task that is made of others took nothing itself. Throws InvalidInputError.
 */
export async function usageOf(
  ports: Pick<Ports, "store" | "now">,
  owner: string,
  { since = USUAL_SPAN, by = "agent" }: { since?: string | undefined; by?: UsageGroup | undefined },
): Promise<ToolResult<"get_usage">> {
  const sinceMs = startOf(since, ports.now());
  const entries: LedgerEntry[] = [];
  for await (const entry of entriesOf(ports, owner, { sinceMs, most: MAX_COUNTED })) entries.push(entry);
  const grouped = Map.groupBy(entries, keys[by]);
  const rows = [...grouped]
    .flatMap(([key, group]) => (key === undefined ? [] : [rowOf(key, by, group)]))
    .sort(order[by] ?? dearest);
  const items = rows.slice(0, countFitting(rows, MAX_REPLY - LIST_ENDS));
  return {
    since: new Date(sinceMs).toISOString(),
    by,
    owner,
    total: sumOf(entries),
    items,
    ...(rows.length > items.length && { more: rows.length - items.length }),
    ...(entries.length >= MAX_COUNTED && { incomplete: true }),
  };
}

function rowOf(key: string, by: UsageGroup, group: readonly LedgerEntry[]): Row {
  const [{ profile, conversation, tree } = {}] = by === "task" || by === "turn" ? group : [];
  return { key, ...defined({ profile, conversation, tree }), ...sumOf(group) };
}

const spans: Readonly<Record<string, number>> = { d: DAY_MS, h: 3_600_000, m: 60_000 };

/** The time that a text names, in epoch milliseconds. Throws InvalidInputError. */
function startOf(since: string, nowMs: number): number {
  const [, count, unit = ""] = /^(\d{1,5})([dhm])$/.exec(since) ?? [];
  const ms = count === undefined ? Date.parse(since) : nowMs - Number(count) * (spans[unit] ?? 0);
  if (/^\d{4}-|^\d+[dhm]$/.test(since) && ms >= 0) return ms;
  throw new InvalidInputError([
    { path: "since", message: "must be a date as 2026-11-30, a time, or a span as 24h, 30d" },
  ]);
}
