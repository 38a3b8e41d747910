import { type DispatchError, RefusedError, RetryableError } from "../../contract/errors.ts";
import { parseJsonObject } from "../../contract/json.ts";
import type { Refusal } from "./door.ts";

/** Longest text of another's that is passed on. */
const MAX_TEXT = 300;

/**
 * What a gateway, or whatever stands in the endpoint's place, says in its JSON: in the first line, since what follows may be
 * the whole request again, with its token.
 */
export function textOf({ text }: Refusal): string {
  const said = parseJsonObject(text);
  const message = said?.message ?? said?.Message;
  return typeof message === "string" ? (message.split("\n")[0] ?? "").trim().slice(0, MAX_TEXT) : "";
}

/** A refusal that means the same at every door; `name` is what was asked. */
export function explainStatus(name: string, refusal: Refusal): DispatchError {
  const { status, headers } = refusal;
  const said = textOf(refusal) && `: ${textOf(refusal)}`;
  if (status >= 300 && status < 400)
    return new RefusedError("endpoint.redirected", `${name} sends to ${destination(headers.location)}`, {
      hint: "no redirect is followed, because what opens one host must not be shown to another: name that address if it is yours",
    });
  if (status === 429 || status === 502 || status === 503 || status === 504)
    return new RetryableError("endpoint.busy", `${name} cannot answer now, with HTTP status ${status}${said}`, {
      hint: "ask again later",
    });
  if (status === 401)
    return new RefusedError("endpoint.unauthenticated", `${name} demands another login${said}`, {
      hint: "a local system is reached by its state folder, without --endpoint; anything else has to accept signatures of AWS",
    });
  if (status === 403) return new RefusedError("endpoint.forbidden", `${name} refuses this caller${said}`);
  if (status === 404)
    return new RefusedError("endpoint.failed", `${name} is not there${said}`, {
      hint: "look at the path of the address: it ends with /mcp, behind the stage if there is one",
    });
  if (status === 413)
    return new RefusedError("endpoint.failed", `the request is too long for ${name}${said}`, {
      hint: "pass long material by a file or a repository",
    });
  if (status < 300)
    return new RefusedError("endpoint.failed", `${name} does not answer as an MCP endpoint`, {
      hint: "look at the address: a web page or a login stands there",
    });
  return new RefusedError("endpoint.failed", `${name} failed with HTTP status ${status}${said}`, {
    hint: "the log of the endpoint says why",
  });
}

function destination(location: string | undefined): string {
  if (location === undefined) return "another address";
  if (!URL.canParse(location)) return "another path";
  const { origin, pathname } = new URL(location);
  return `${origin}${pathname}`;
}
