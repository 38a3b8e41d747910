import type { Route } from "../../config/routing.ts";
import { own } from "../../contract/configuration.ts";
import { type Json, type Task, without } from "../../contract/task.ts";
import { callHash } from "../idempotency.ts";
import type { Ports } from "../ports.ts";

/** What is decided of a request. */
type Request = {
  route: Route;
  input: Json;
  goal?: string | undefined;
  caller?: unknown;
  answer?: Pick<Task, "summaryChars" | "responseFormat"> | undefined;
};

/**
 * The sha256 of a request as its agent gets it: whose it is, its profile, backend and account and what is configured of them, its
 * task, context, caller, goal and format. How long it may take and who dispatched it are no part of it.
 */
export function answerKey(
  { configuration }: Pick<Ports, "configuration">,
  owner: string,
  plan: Request,
): Promise<string> {
  const { route, input, goal, caller, answer } = plan;
  const { metadata: { parentTaskId: _, ...metadata } = {}, limits: __, ...place } = route;
  const { accounts, backends, defaults, runtimes } = configuration();
  return callHash({
    owner,
    place,
    metadata,
    configured: own(runtimes, route.profile),
    backend: own(backends, route.backendName ?? ""),
    account: own(accounts, route.accountProfile),
    target: defaults.target,
    input: without<Record<string, unknown>, string>(input, "timeoutSeconds"),
    goal,
    caller,
    answer,
  });
}
