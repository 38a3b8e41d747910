import type { Adapters } from "../../backends/adapter.ts";
import { type RouteRequest, tryRoute } from "../../config/routing.ts";
import { type Configuration, own } from "../../contract/configuration.ts";
import { DispatchError } from "../../contract/errors.ts";
import { defined } from "../../contract/json.ts";
import type { Json, Task } from "../../contract/task.ts";

/** What a call says of how it wants to run. */
type Said = { runtime?: string | undefined; request: RouteRequest };

/**
 * A call that goes on with a conversation: it runs as the last turn did, unless it says otherwise. Another runtime profile has
 * a framework and a model of its own, and another place other folders.
 */
export function asLastTurn(configuration: Configuration, adapters: Adapters, said: Said, last: Task): Said {
  const { request } = said;
  const differs = (name: string | undefined, before: string) => name !== undefined && name !== before;
  if (differs(said.runtime, last.profile) || differs(request.accountProfile, last.accountProfile)) return said;
  const runtime = own(configuration.runtimes, last.profile) ? last.profile : said.runtime;
  const asked: RouteRequest = {
    ...request,
    accountProfile: request.accountProfile ?? last.accountProfile,
    framework: request.framework ?? textOf(last.input.framework),
    model: request.model ?? modelOf(request, last),
  };
  const details = { ...keptDetails(configuration, adapters, { runtime, request: asked }, last), ...request.details };
  return { runtime, request: { ...asked, details } };
}

/** A model belongs to its framework. */
const modelOf = ({ framework }: RouteRequest, { input }: Task): RouteRequest["model"] =>
  framework === undefined || framework === input.framework ? (input.model as RouteRequest["model"]) : undefined;

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** The details that a conversation keeps where they are not what its place has in any case, such as the folder of its agent. */
function keptDetails(configuration: Configuration, adapters: Adapters, { runtime, request }: Said, last: Task): Json {
  const place = tryRoute(configuration, adapters, request, runtime);
  if (place instanceof DispatchError || place.backend !== last.backend) return {};
  const names = own(adapters, last.backend)?.keptDetails ?? [];
  const { details = {} } = last.target;
  return defined(
    Object.fromEntries(
      names.map((name) => [name, details[name] === place.target.details?.[name] ? undefined : details[name]]),
    ),
  );
}
