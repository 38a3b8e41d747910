import { isErrorCode } from "../../contract/error-codes.ts";
import { DispatchError, problem, RefusedError } from "../../contract/errors.ts";
import { isObject, type JsonObject, parseJsonObject } from "../../contract/json.ts";
import type { LocalPlace } from "../http/door.ts";
import { startCommand } from "./command.ts";

const LAST_LINES = 20;
const MAX_LENGTH = 2000;

/** Why a local system did not start: what it said of it itself, else its last lines. */
export function readFailure(output: string, how: string, place: LocalPlace): DispatchError {
  const { code, message, hint } = errorIn(output);
  if (typeof code === "string" && isErrorCode(code) && typeof message === "string")
    return new DispatchError(problem(code, message, typeof hint === "string" ? { hint } : {}));
  const lines = output.trimEnd().split("\n").slice(-LAST_LINES).join("\n").slice(-MAX_LENGTH);
  return new RefusedError("local.start_failed", `the local system ${how} before it answered${lines && `:\n${lines}`}`, {
    hint: `${startCommand(place)} starts one in the foreground`,
  });
}

/** The error in the JSON object that the command line prints; it may write lines of other kinds before and behind. */
function errorIn(output: string): JsonObject {
  const [text = "{}"] = /^\{\n[\s\S]*?^\}$/m.exec(output) ?? [];
  const error = parseJsonObject(text)?.error;
  return isObject(error) ? error : {};
}
