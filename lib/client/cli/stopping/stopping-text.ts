import type { Pause } from "../../../contract/stopping/pause.ts";
import type { Left, Session, Sessions, StopReport } from "../../../contract/stopping/report.ts";
import { type Io, write } from "../io.ts";
import { columnsOf, formatDuration, oneLine, paint, table } from "../print.ts";
import { shortId } from "../tasks/task-line.ts";

const MAX_NAME = 24;
const MAX_OWNER = 16;

/** What runs or bills, a line each, and what there is to know beside. */
export async function printSessions(io: Io, { items, queued, paused = [], more }: Sessions): Promise<void> {
  await write(io.stdout, items.length === 0 ? "nothing runs, and nothing waits\n" : sessionsText(io, items));
  const notes = [
    ...(more ? [`${more} more are not shown`] : []),
    ...(queued > 0 ? [`${queued} ${queued === 1 ? "task waits" : "tasks wait"} to begin`] : []),
    ...paused.map(pauseText),
  ];
  for (const note of notes) await write(io.stderr, paint(io.stderr, "dim", `› ${note}\n`));
}

function sessionsText(io: Io, items: readonly Session[]): string {
  const isEverybodys = items.some(({ owner }) => owner !== undefined);
  const isBilled = items.some(({ estimatedCost }) => estimatedCost !== undefined);
  const head = [
    "task",
    "state",
    // Of everybody's tasks it matters more whose they are.
    isEverybodys ? "owner" : "profile",
    "for",
    ...(isBilled ? ["estimate"] : []),
    "what",
  ];
  const rows = items.map((item) => [
    shortId(item.taskId),
    item.bills ? paint(io.stdout, "yellow", item.state) : item.state,
    isEverybodys ? ownerText(item) : oneLine(item.profile, MAX_NAME),
    formatDuration(item.ageSeconds * 1000),
    ...(isBilled ? [item.estimatedCost ? costText(item.estimatedCost) : "-"] : []),
    oneLine(item.summary ?? item.status),
  ]);
  return table([head.map((name) => paint(io.stdout, "dim", name)), ...rows], columnsOf(io.stdout));
}

/** The name of a role or user, without the ARN before it: every owner of a stack has much of that in common. */
const ownerText = ({ owner = "-" }: Session): string => oneLine(owner.split(/[/:]/).at(-1) ?? owner, MAX_OWNER);

/** Between what a machine costs that waits and one that is busy. */
export const costText = ({ leastUsd, mostUsd }: NonNullable<Session["estimatedCost"]>): string =>
  `$${leastUsd.toFixed(4)}–${mostUsd.toFixed(4)}`;

const who: Readonly<Record<Pause["by"], string>> = {
  owner: "you have paused admission",
  operator: "an operator has paused the admission of everybody's tasks",
  deletion: "the stack is being deleted",
};

/** Who keeps tasks from beginning, and since when. */
export const pauseText = ({ by, sinceMs }: Pause): string =>
  `${who[by]}, since ${new Date(sinceMs).toISOString()}: what is dispatched waits`;

/** What a stop has come to, in lines. */
export async function printStop(io: Io, report: StopReport): Promise<void> {
  const { cancelled = 0, queued = 0, verified = [], underway = [], unverified = [], more } = report;
  await write(io.stdout, `${cancelled} ${cancelled === 1 ? "task was" : "tasks were"} cancelled\n`);
  if (queued > 0) await write(io.stdout, `${queued} ${queued === 1 ? "task still waits" : "tasks still wait"}\n`);
  for (const { what, name } of verified) await write(io.stdout, `verified as stopped: ${what} ${oneLine(name)}\n`);
  for (const each of underway) await write(io.stdout, `on its way: ${leftText(each)}\n`);
  for (const each of unverified)
    await write(io.stdout, `${paint(io.stdout, "red", "not verified:")} ${leftText(each)}\n`);
  if (more) await write(io.stdout, `${more} more are not shown\n`);
}

const leftText = ({ taskId, what, name, why }: Left): string =>
  `${what} ${oneLine(name)}${taskId === undefined ? "" : ` of ${taskId}`}: ${oneLine(why)}`;
