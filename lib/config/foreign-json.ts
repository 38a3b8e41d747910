import { type ParseError, parse, printParseErrorCode } from "jsonc-parser";
import { isObject, type JsonObject } from "../contract/json.ts";
import { ConfigurationError } from "./locate.ts";

/**
 * What a JSON file of another program holds, which may have comments, and commas behind the last members; `{}` for an empty
 * one. Throws ConfigurationError, which never quotes it.
 */
export function parseForeignJson(path: string, text: string): JsonObject {
  if (text.trim() === "") return {};
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (first) {
    const line = text.slice(0, first.offset).split("\n").length;
    throw new ConfigurationError(path, [
      { path: `${path}:${line}`, message: `not JSON: ${printParseErrorCode(first.error)}` },
    ]);
  }
  if (!isObject(value)) throw new ConfigurationError(path, [{ path: "", message: "it holds no JSON object" }]);
  return value;
}
