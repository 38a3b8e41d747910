import type { Adapters, BackendAdapter, Placement } from "../backends/adapter.ts";
import { type Backend, type Configuration, own, type Runtime } from "../contract/configuration.ts";
import type { RefusedCode } from "../contract/error-codes.ts";
import { DispatchError, RefusedError } from "../contract/errors.ts";
import { CAPABILITY, type Protocol, type TargetMode, type TaskType, taskTypes } from "../contract/kinds.ts";
import { type Json, type Limits, type Target, without } from "../contract/task.ts";
import { detailNames, refuseUnallowedNames } from "./allow-list.ts";
import { resolveLimits } from "./limits.ts";

/** What a call says about where it wants to run. All of it may be missing when a profile or the defaults say it. */
export type RouteRequest = {
  provider?: string | undefined;
  accountProfile?: string | undefined;
  capability?: string | undefined;
  /** Name of a backend in the configuration, or of an adapter. */
  backend?: string | undefined;
  taskType: string;
  mode?: string | undefined;
  protocol?: Protocol | undefined;
  details?: Json | undefined;
  framework?: string | undefined;
  model?: string | Json | undefined;
  runtimeTools?: Json | undefined;
  metadata?: Json | undefined;
  timeoutSeconds?: number | undefined;
  jobTimeoutSeconds?: number | undefined;
};

/** Where a task will run, and with what. */
export type Route = Placement & {
  capability: string;
  /** Runtime profile, or what stands for it in admission when the call named none. */
  profile: string;
  taskType: TaskType;
  limits: Limits;
  framework?: string;
  model?: string | Json;
  runtimeTools?: Json;
  metadata?: Json;
  /** Standing instructions of the profile. */
  instructions?: string;
};

type Named<T> = { name: string; value: T };

/**
 * The profile of a call: the one it names, else the default, else the only one. Undefined when there is none to choose.
 * Throws RefusedError `runtime_profile.not_found`.
 */
export function chooseProfile(configuration: Configuration, runtime: string | undefined): Named<Runtime> | undefined {
  const names = Object.keys(configuration.runtimes);
  const name = runtime ?? configuration.defaults.runtime ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined) return undefined;
  const value = own(configuration.runtimes, name);
  if (!value) throw notFound("runtime_profile.not_found", "runtime profile", name, names);
  return { name, value };
}

/** Name of the account of a call: what it says, else that of its profile. */
export function accountOf(
  configuration: Configuration,
  profile: Named<Runtime> | undefined,
  accountProfile: string | undefined,
): string | undefined {
  return (
    accountProfile ?? profile?.value.account ?? (profile && own(configuration.backends, profile.value.backend)?.account)
  );
}

/**
 * Picks the adapter for a call and merges what call, profile, defaults and backend say; `call` wins over `profile`, which
 * wins over the defaults. Throws RefusedError with one of the codes `account_profile.not_found`, `backend.not_found`,
 * `account_profile.provider_mismatch`, `adapter.unsupported`, `policy.denied`.
 */
export function route(
  configuration: Configuration,
  adapters: Adapters,
  request: RouteRequest,
  profile?: Named<Runtime>,
): Route {
  const { accounts, defaults } = configuration;
  const runtime = profile?.value;
  const accountName = accountOf(configuration, profile, request.accountProfile) ?? "";
  const account = own(accounts, accountName);
  if (!account) throw notFound("account_profile.not_found", "account profile", accountName, Object.keys(accounts));
  const provider = request.provider ?? account.provider;
  if (provider !== account.provider) {
    throw new RefusedError(
      "account_profile.provider_mismatch",
      `account profile ${accountName} is ${account.provider}, not ${provider}`,
      {
        hint: "list_account_profiles shows the provider of each",
        details: { accountProfile: accountName, provider: account.provider },
      },
    );
  }

  const capability = request.capability ?? runtime?.capability ?? CAPABILITY;
  const taskType = taskTypes.find((known) => known === request.taskType);
  if (capability !== CAPABILITY || !taskType) throw unsupported(adapters, request, provider);

  const backend = chooseBackend(configuration, adapters, request, accountName, runtime);
  const asked = detailNames(adapters, request.details ?? {});
  refuseUnallowedNames(configuration, adapters, asked);
  // The folder that the profile lives in is one of its own backend.
  const home = backend?.name === runtime?.backend ? runtime?.workspace : undefined;
  const all: Json = {
    ...(account.region && { region: account.region }),
    ...backend?.value.details,
    ...defaults.target?.details,
    ...runtime?.target.details,
    ...(home !== undefined && { workspace: home }),
    ...asked,
  };
  const wantedMode = request.mode ?? runtime?.target.mode ?? defaults.target?.mode;
  const wanted = { provider, name: backend?.value.adapter ?? request.backend, mode: wantedMode };
  const chosen = chooseAdapter(adapters, wanted, all);
  if (!chosen) throw unsupported(adapters, { ...request, mode: wantedMode }, provider);
  const { adapter, mode } = chosen;
  // What only the configuration may set may be secret: it goes from there to the workers, and never into a task.
  const details = without(all, ...adapter.configurationOnly);
  const protocol =
    request.protocol ??
    runtime?.protocol ??
    runtime?.target.protocol ??
    defaults.target?.protocol ??
    protocolIn(adapter, details);
  if (protocol && !adapter.protocols.includes(protocol))
    throw unsupported(adapters, { ...request, mode, protocol }, provider);

  const target: Target = { mode, ...(protocol && { protocol }), ...(Object.keys(details).length > 0 && { details }) };
  const placement = {
    provider,
    accountProfile: accountName,
    backend: adapter.name,
    ...(backend && { backendName: backend.name }),
    profile: profile?.name ?? backend?.name ?? accountName,
    target,
  } satisfies Placement;
  const framework =
    taskType === "agent.run"
      ? (request.framework ?? runtime?.framework ?? adapter.defaultFramework?.(placement))
      : undefined;
  const usualModel = framework === undefined ? undefined : adapter.defaultModel?.(placement, framework);
  const model = request.model ?? runtime?.model ?? usualModel;
  const runtimeTools = merge(defaults.runtimeTools, runtime?.runtimeTools, request.runtimeTools);
  const metadata = merge(defaults.metadata, runtime?.metadata, request.metadata);
  return {
    ...placement,
    capability,
    taskType,
    limits: resolveLimits(configuration, runtime, request),
    ...(framework !== undefined && { framework }),
    ...(model !== undefined && { model }),
    ...(runtimeTools && { runtimeTools }),
    ...(metadata && { metadata }),
    // Only by the configuration: a call that names a folder, be it the same, has not.
    ...(home !== undefined && !Object.hasOwn(asked, "workspace") && { trusted: true as const }),
    ...(runtime?.instructions && { instructions: runtime.instructions }),
  };
}

/** As `route` for the runtime profile that is named, or chosen: the route, or what says why there is none. */
export function tryRoute(
  configuration: Configuration,
  adapters: Adapters,
  request: RouteRequest,
  runtime: string | undefined,
): Route | DispatchError {
  try {
    return route(configuration, adapters, request, chooseProfile(configuration, runtime));
  } catch (error) {
    if (error instanceof DispatchError) return error;
    throw error;
  }
}

/** The backend of the configuration that a call goes to; none when the account has none and the adapter needs none. */
function chooseBackend(
  { backends }: Configuration,
  adapters: Adapters,
  { backend: asked, mode }: RouteRequest,
  account: string,
  runtime: Runtime | undefined,
): Named<Backend> | undefined {
  const ofAccount = Object.entries(backends)
    .filter(([, value]) => value.account === account)
    .map(([name, value]) => ({ name, value }));
  if (asked !== undefined) {
    const chosen =
      ofAccount.find(({ name }) => name === asked) ?? ofAccount.find(({ value }) => value.adapter === asked);
    if (chosen) return chosen;
    if (own(adapters, asked)) return undefined;
    const names = ofAccount.map(({ name }) => name);
    throw notFound("backend.not_found", `backend of account profile ${account}`, asked, names);
  }
  const ofProfile = ofAccount.find(({ name }) => name === runtime?.backend);
  if (ofProfile) return ofProfile;
  const serves = ({ value }: Named<Backend>) => {
    const adapter = own(adapters, value.adapter);
    return adapter !== undefined && (mode === undefined || adapter.targetModes.some((known) => known === mode));
  };
  return ofAccount.find(serves) ?? ofAccount[0];
}

/** The first adapter that serves what is wanted, with the mode of the target. */
function chooseAdapter(
  adapters: Adapters,
  { provider, name, mode: wanted }: { provider: string; name: string | undefined; mode: string | undefined },
  details: Json,
): { adapter: BackendAdapter; mode: TargetMode } | undefined {
  for (const adapter of Object.values(adapters)) {
    if (adapter.provider !== provider || (name !== undefined && adapter.name !== name)) continue;
    const usual = () => adapter.usualMode?.(details) ?? adapter.targetModes[0];
    const mode = adapter.targetModes.find((known) => known === (wanted ?? usual()));
    if (mode) return { adapter, mode };
  }
  return undefined;
}

const protocolIn = (adapter: BackendAdapter, { protocol }: Json): Protocol | undefined =>
  adapter.protocols.find((known) => known === protocol);

/** Layers laid over each other, key by key; undefined when none of them is there. */
const merge = (...layers: (Json | undefined)[]): Json | undefined =>
  layers.some((layer) => layer !== undefined)
    ? Object.fromEntries(layers.flatMap((layer) => Object.entries(layer ?? {})))
    : undefined;

function notFound(code: RefusedCode, kind: string, name: string, known: string[]): RefusedError {
  const there = known.length > 0 ? `there are: ${known.slice(0, 50).join(", ")}` : "none is configured";
  const what = name === "" ? `no ${kind} was named` : `no ${kind} is named ${JSON.stringify(name.slice(0, 200))}`;
  return new RefusedError(code, what, {
    hint: there,
    details: { choices: known.slice(0, 50) },
  });
}

function unsupported(adapters: Adapters, request: RouteRequest, provider: string): RefusedError {
  const wanted = [provider, request.capability ?? CAPABILITY, request.taskType, request.mode, request.protocol]
    .filter((part) => part !== undefined)
    .map((part) => part.slice(0, 100))
    .join(" + ");
  const supported = Object.values(adapters).map(({ name, provider, targetModes, protocols }) => ({
    adapter: name,
    provider,
    capability: CAPABILITY,
    taskTypes,
    targetModes,
    protocols,
  }));
  return new RefusedError("adapter.unsupported", `no adapter serves ${wanted}`, {
    hint: "list_capabilities shows what is served",
    details: { supported },
  });
}
