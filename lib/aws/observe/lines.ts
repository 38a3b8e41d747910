import { LogFormatter, LogItem, Logger as Powertools } from "@aws-lambda-powertools/logger";
import type { LogAttributes, UnformattedAttributes } from "@aws-lambda-powertools/logger/types";
import type { Logger, LogLevel } from "../../contract/logger.ts";
import { ownerHash, withoutPrincipals } from "./owner-hash.ts";

/** Longest text in a line; a stack trace fits, what somebody sent does not. */
const MAX_TEXT = 8000;

type Options = {
  level: LogLevel;
  /** In each line, so that it is known which version said it. */
  version: string;
  /** What is known of the work under way. */
  known: () => Record<string, unknown>;
};

/**
 * Writes one JSON object per message, in the form that Lambda takes for structured: timestamp, level, message, version, what
 * is known of the work under way, then the fields. An owner is told as its hash, wherever it stands.
 */
export function functionLogger({ level, version, known }: Options): Logger {
  const powertools = new Powertools({
    logLevel: toPowertools[level],
    logFormatter: new Lines(version, known),
    jsonReplacerFn: harmless,
  });
  const at =
    (of: LogLevel) =>
    (message: string, fields: Record<string, unknown> = {}) =>
      // One object: a field that has the name of one of the library's own would be refused, with a line for itself.
      powertools[of](message, { fields });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

const toPowertools = { debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR" } as const;

class Lines extends LogFormatter {
  readonly #version: string;
  readonly #known: Options["known"];

  constructor(version: string, known: Options["known"]) {
    super();
    this.#version = version;
    this.#known = known;
  }

  override formatAttributes({ logLevel, timestamp, message }: UnformattedAttributes, more: LogAttributes): LogItem {
    const { requestId, ...known } = this.#known();
    const line = { timestamp: timestamp.toISOString(), level: logLevel, requestId, message, version: this.#version };
    const fields = more.fields as Record<string, unknown>;
    // What a line is made of cannot be overwritten by a field.
    return new LogItem({ attributes: { ...line, ...known, ...fields, ...line } as LogAttributes });
  }
}

function harmless(key: string, value: unknown): unknown {
  const said = value instanceof Error ? String(value) : value;
  if (typeof said !== "string") return said;
  if (key === "owner") return ownerHash(said);
  return withoutPrincipals(said.length > MAX_TEXT ? `${said.slice(0, MAX_TEXT)}…` : said);
}
