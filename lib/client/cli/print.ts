import { stripVTControlCharacters, styleText } from "node:util";
import Table, { type TableConstructorOptions } from "cli-table3";
import type { Problem } from "../../contract/errors.ts";
import { harmlessJson } from "./harmless.ts";
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

/** Nothing is drawn around cells, and two blanks stand between them. */
const bare: TableConstructorOptions = {
  chars: {
    ...{ top: "", "top-mid": "", "top-left": "", "top-right": "", bottom: "", "bottom-mid": "", "bottom-left": "" },
    ...{ "bottom-right": "", left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "" },
    middle: "  ",
  },
  style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
};

/**
 * Rows as aligned columns, two blanks apart; the last column is left ragged, and cut where a line would take more than `max`
 * columns of a terminal. Colours do not count as width, and the characters of East Asia count twice.
 */
export function table(rows: readonly (readonly string[])[], max = Number.POSITIVE_INFINITY): string {
  if (rows.length === 0) return "";
  const lines = laidOut(rows).split("\n");
  return lines.map((line) => `${clip(line.trimEnd(), max)}\n`).join("");
}

/** The text, cut so that it takes no more than `max` columns. */
export function clip(text: string, max: number): string {
  const plain = stripVTControlCharacters(text);
  // A character takes two columns at most, and one of ASCII one.
  const isShort = plain.length * (/^[ -~]*$/.test(plain) ? 1 : 2) <= max;
  return isShort ? text : laidOut([[text]], max).trimEnd();
}

function laidOut(rows: readonly (readonly string[])[], width?: number): string {
  const laid = new Table({ ...bare, ...(width !== undefined && { colWidths: [width] }) });
  laid.push(...rows.map((row) => [...row]));
  return laid.toString();
}

/** How many columns there are to write in; a program that reads is given as many as most terminals have. */
export const columnsOf = (output: Output): number =>
  Math.max(40, (output.isTTY && (output as NodeJS.WriteStream).columns) || 80);

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/**
 * A time as ls shows it, in twelve columns and in the local time zone.
 * @example formatTime("2026-11-21T16:05:12Z") // "Nov 21 16:05", and "Nov 21  2026" in another year
 */
export function formatTime(timestamp: string, now = new Date()): string {
  const time = new Date(timestamp);
  if (Number.isNaN(time.getTime())) return "";
  const day = `${months[time.getMonth()]} ${String(time.getDate()).padStart(2)}`;
  if (time.getFullYear() !== now.getFullYear()) return `${day}  ${time.getFullYear()}`;
  return `${day} ${pad(time.getHours())}:${pad(time.getMinutes())}`;
}

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
  await write(io.stdout, `${harmlessJson(JSON.stringify(value, null, 2))}\n`);
}
