import { stripVTControlCharacters, styleText } from "node:util";
import type { Problem } from "../domain/errors.ts";
import { type Io, type Output, write } from "./io.ts";

type Style = Parameters<typeof styleText>[0];

/** Text in a style, where the output shows colours: NO_COLOR and outputs that are no terminal get it bare. */
export function paint(output: Output, style: Style, text: string): string {
  // styleText itself only looks at NO_COLOR when the stream is a terminal that it was given.
  return output.isTTY ? styleText(style, text, { stream: output as NodeJS.WriteStream }) : text;
}

/**
 * A time span as people say it.
 * @example formatDuration(1234) // "1.2 s"
 * @example formatDuration(125_000) // "2 m 05 s"
 */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} m`;
}

const pad = (value: number): string => String(value).padStart(2, "0");

/**
 * A size in bytes as people say it.
 * @example formatBytes(2048) // "2.0 kB"
 */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** Rows as aligned columns, two spaces apart; the last column is left ragged. Colours do not count as width. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, width(cell));
    });
  return rows
    .map((row) => row.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - width(cell))).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

const width = (text: string): number => stripVTControlCharacters(text).length;

/** Text from elsewhere on one line: without escape sequences and control characters, and not longer than `max`. */
export function oneLine(text: string, max = 500): string {
  const clean = stripVTControlCharacters(text)
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .trim();
  return clean.length > max ? `${clean.slice(0, max - 1)}…` : clean;
}

/** The same for text that may have several lines. */
const plainLines = (text: string): string =>
  text
    .split("\n")
    .map((line) => (/^ */.exec(line)?.[0] ?? "") + oneLine(line, 2000))
    .join("\n");

/** `error: …` and `hint: …` on standard error. */
export async function printProblem(io: Io, problem: Pick<Problem, "message" | "hint">): Promise<void> {
  await write(io.stderr, `${paint(io.stderr, "red", "error:")} ${plainLines(problem.message)}\n`);
  if (problem.hint) await write(io.stderr, `${paint(io.stderr, "dim", "hint:")} ${plainLines(problem.hint)}\n`);
}

/** One JSON object on standard output, for programs that read it. */
export async function printJson(io: Io, value: unknown): Promise<void> {
  await write(io.stdout, `${JSON.stringify(value, null, 2)}\n`);
}
