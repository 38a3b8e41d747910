import { type Logger, type LogLevel, logLevels } from "../../contract/logger.ts";

/** Writes one line per message to stderr, at `level` and above: the time, the level, the message and its fields as JSON. */
export function stderrLogger(level: LogLevel): Logger {
  const write = (of: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
    if (logLevels.indexOf(of) < logLevels.indexOf(level)) return;
    const rest = fields && Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : "";
    process.stderr.write(`${new Date().toISOString()} ${of} ${message}${rest}\n`);
  };
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}
