import { isObject, type JsonObject } from "../contract/json.ts";
import { traceOf } from "../contract/observation/trace.ts";

/** The trace that a request belongs to, or one message of it, which may say more. */
export function traceOfRequest({ headers }: Pick<Request, "headers">, message: JsonObject = {}): string | undefined {
  return traceOf({
    meta: isObject(message.params) ? message.params._meta : undefined,
    traceparent: headers.get("traceparent"),
    amazon: headers.get("x-amzn-trace-id"),
  });
}
