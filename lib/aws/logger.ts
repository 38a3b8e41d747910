import { AsyncLocalStorage } from "node:async_hooks";
import { type Logger, type LogLevel, logLevels } from "../contract/logger.ts";

/** Longest text in a line; a stack trace fits, what somebody sent does not. */
const MAX_TEXT = 8000;

export type FunctionLogger = Logger & {
  /** Runs `work` with that request's id in each line. */
  inRequest<T>(requestId: string, work: () => T): T;
};

type Options = {
  level: LogLevel;
  /** In each line, so that it is known which version said it. */
  version: string;
  write?: (line: string) => void;
};

/**
 * Writes one JSON object per message to stdout, in the form that Lambda takes for structured: timestamp, level, requestId,
 * message, then the fields.
 */
export function functionLogger({
  level,
  version,
  write = (line) => void process.stdout.write(line),
}: Options): FunctionLogger {
  const requests = new AsyncLocalStorage<string>();
  const at =
    (of: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (logLevels.indexOf(of) < logLevels.indexOf(level)) return;
      const requestId = requests.getStore();
      const line = {
        timestamp: new Date().toISOString(),
        level: of.toUpperCase(),
        ...(requestId !== undefined && { requestId }),
        message,
        version,
      };
      // What a line is made of cannot be overwritten by a field.
      write(`${JSON.stringify({ ...line, ...fields, ...line }, shortened)}\n`);
    };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    inRequest: (requestId, work) => requests.run(requestId, work),
  };
}

function shortened(_key: string, value: unknown): unknown {
  const said = value instanceof Error ? String(value) : value;
  return typeof said === "string" && said.length > MAX_TEXT ? `${said.slice(0, MAX_TEXT)}…` : said;
}
