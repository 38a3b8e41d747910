import type { Writable } from "node:stream";
import { type Logger, type LogLevel, logLevels } from "../../contract/logger.ts";

/** Diagnostics, a line each. */
export function stderrLog(stderr: Writable, level: LogLevel): Logger {
  const at =
    (of: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (logLevels.indexOf(of) < logLevels.indexOf(level)) return;
      const said = Object.keys(fields).length === 0 ? "" : ` ${JSON.stringify(fields)}`;
      stderr.write(`agent-dispatch bridge: ${of}: ${message}${said}\n`);
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
