import { DispatchError, RefusedError } from "../../contract/errors.ts";
import type { Answer, Door } from "./door.ts";
import { answerLost } from "./failure.ts";

/** Why an answer of a door could not be read: it is not the protocol (`endpoint.failed`), or broke off (`endpoint.answer_lost`). */
export function brokenAnswer(door: Door, { body }: Answer, error: unknown, key?: string): DispatchError {
  if (error instanceof DispatchError) return error;
  if (error instanceof SyntaxError && body.readableEnded)
    return new RefusedError("endpoint.failed", `${door.name} answered with what is not the protocol`, {
      hint: "look at the address: it has to be that of an MCP endpoint",
      cause: error,
    });
  return answerLost(door, error, key);
}
