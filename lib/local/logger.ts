import type { Logger } from "../domain/ports.ts";

const levels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof levels)[number];

/** Writes one line per message to stderr, at `level` and above: the time, the level, the message and its fields as JSON. */
export function stderrLogger(level: LogLevel): Logger {
  const write = (of: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
    if (levels.indexOf(of) < levels.indexOf(level)) return;
    const rest = fields && Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : "";
    process.stderr.write(`${new Date().toISOString()} ${of} ${message}${rest}\n`);
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

/** The level that the environment asks for; what is not a level is `warn`. */
export function logLevelOf(text: string | undefined): LogLevel {
  return levels.find((level) => level === text) ?? "warn";
}
