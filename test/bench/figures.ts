import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";

/** One measured number. `goal` is what it has to stay below (`<=`) or above (`>=`); `how` says how it was taken. */
export type Figure = { name: string; value: number; unit: string; goal?: string; met?: boolean; how: string };

const figures: Figure[] = [];

/** Notes a figure. A goal is written as `<= 5` or `>= 300`, in the figure's unit. */
export function figure(name: string, value: number, unit: string, how: string, goal?: string): void {
  const rounded = Number(value.toPrecision(4));
  figures.push({ name, value: rounded, unit, ...(goal && { goal: `${goal} ${unit}`, met: meets(value, goal) }), how });
}

function meets(value: number, goal: string): boolean {
  const [sign, bound] = goal.split(" ");
  return sign === "<=" ? value <= Number(bound) : value >= Number(bound);
}

/** The value below which `share` (0 to 1) of the samples lie. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Prints the table and, with `keep`, writes `bench/results.json`. */
export function report({ keep }: { keep: boolean }): void {
  const machine = `${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${process.platform} ${process.arch}`;
  const rows = figures.map(({ name, value, unit, goal, met }) => [
    name,
    `${value} ${unit}`,
    goal ?? "",
    met === undefined ? "" : met ? "met" : "MISSED",
  ]);
  const header = ["figure", "value", "goal", ""];
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of [header, ...rows])
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  console.log(`\n${machine}`);
  if (!keep) return;
  mkdirSync("bench", { recursive: true });
  writeFileSync(
    "bench/results.json",
    `${JSON.stringify({ machine, takenAt: new Date().toISOString(), figures }, null, 2)}\n`,
  );
}
