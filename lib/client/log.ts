import type { Logger } from "../domain/ports.ts";
import { type Output, write } from "./io.ts";
import { oneLine } from "./print.ts";

const levels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof levels)[number];

/** The level that a setting names, or the fallback. */
export function toLogLevel(text: string | undefined, fallback: LogLevel): LogLevel {
  return levels.find((level) => level === text) ?? fallback;
}

/** Writes lines such as `warn: the disk is full path=/state` from a level on. */
export function lineLogger(output: Output, least: LogLevel): Logger {
  const log = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return;
    const facts = Object.entries(fields ?? {}).map(([name, value]) => ` ${name}=${oneLine(asText(value), 2000)}`);
    void write(output, `${level}: ${oneLine(message, 2000)}${facts.join("")}\n`).catch(() => {});
  };
  return { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") };
}

function asText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.message;
  return JSON.stringify(value) ?? String(value);
}
