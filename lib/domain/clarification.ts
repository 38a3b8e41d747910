import { DispatchError } from "./errors.ts";
import { ECHO, frameworkChoices } from "./frameworks.ts";
import type { BackendAdapter } from "./ports.ts";
import { type Configuration, own, type Runtime } from "./profile.ts";
import { accountOf, chooseProfile, type Route, type RouteRequest, route } from "./routing.ts";
import type { Json } from "./task.ts";

type Adapters = Readonly<Record<string, BackendAdapter>>;

export type Question = { id: string; question: string; choices?: string[] };

/** What a spawn answers instead of failing late: the answers are fields of the next call. */
export type Clarification = {
  status: "needs_clarification";
  retry_tool: "spawn_cloud_agent";
  questions: Question[];
  available_runtimes: {
    name: string;
    provider: string;
    protocol?: string;
    framework?: string;
    model?: string | Json;
  }[];
};

/** The parts of a spawn that something can be missing from. */
export type SpawnQuestionable = {
  instruction?: string | undefined;
  runtime?: string | undefined;
  context?: Json | undefined;
  request: RouteRequest;
  /** Every field of the call, under the names a caller uses. */
  fields: Json;
};

/** Asks for what a spawn lacks; undefined when nothing is missing. */
export function clarify(
  configuration: Configuration,
  adapters: Adapters,
  call: SpawnQuestionable,
): Clarification | undefined {
  const questions: Question[] = [];
  if (isBlank(call.instruction)) questions.push({ id: "instruction", question: "What should the agent do?" });

  const available = availableRuntimes(configuration, adapters);
  const known = call.runtime === undefined || own(configuration.runtimes, call.runtime) !== undefined;
  if (!known) {
    questions.push({
      id: "runtime",
      question: `No runtime profile is named ${JSON.stringify(call.runtime?.slice(0, 200))}. Which one should run it?`,
      choices: available.map(({ name }) => name),
    });
  } else {
    questions.push(...placementQuestions(configuration, adapters, call));
  }
  if (questions.length === 0) return undefined;
  return {
    status: "needs_clarification",
    retry_tool: "spawn_cloud_agent",
    questions,
    available_runtimes: available,
  };
}

/** Names that a profile wants to be told, wherever in the call they may be: the chosen profile's, or any while none is. */
export function requiredNames({ runtimes, ...rest }: Configuration, runtime: string | undefined): string[] {
  if (runtime !== undefined && !own(runtimes, runtime)) return Object.values(runtimes).flatMap((r) => r.requiredInputs);
  return chooseProfile({ runtimes, ...rest }, runtime)?.value.requiredInputs ?? [];
}

/** The runtime profiles that this system can serve. */
function availableRuntimes({ runtimes, backends, accounts }: Configuration, adapters: Adapters) {
  return Object.entries(runtimes).flatMap(([name, runtime]) => {
    const backend = own(backends, runtime.backend);
    const provider = backend && (backend.provider ?? own(accounts, backend.account)?.provider);
    if (!backend || !provider || !own(adapters, backend.adapter)) return [];
    return [{ name, provider, ...optional(runtime) }];
  });
}

const optional = ({ protocol, framework, model }: Runtime) => ({
  ...(protocol && { protocol }),
  ...(framework && { framework }),
  ...(model && { model }),
});

function placementQuestions(configuration: Configuration, adapters: Adapters, call: SpawnQuestionable): Question[] {
  const profile = chooseProfile(configuration, call.runtime);
  const account = accountOf(configuration, profile, call.request.accountProfile);
  const questions: Question[] = [];
  if (account === undefined || !own(configuration.accounts, account)) {
    const { provider } = call.request;
    const choices = Object.entries(configuration.accounts)
      .filter(([, { provider: its }]) => (provider === undefined || its === provider) && isServed(adapters, its))
      .map(([name]) => name);
    const why = account === undefined ? "" : `No account profile is named ${JSON.stringify(account.slice(0, 200))}. `;
    questions.push({ id: "account_profile", question: `${why}Which account profile should it run under?`, choices });
  }
  for (const name of profile?.value.requiredInputs ?? []) {
    if (isBlank(given(call, name))) {
      questions.push({ id: name, question: `The runtime profile ${profile?.name} needs ${name}. What is it?` });
    }
  }
  if (questions.some(({ id }) => id === "account_profile")) return questions;
  const chosen = tryRoute(configuration, adapters, call.request, call.runtime);
  if (!chosen) return questions;
  const more = [...awsQuestions(chosen), ...frameworkQuestions(configuration, adapters, chosen)];
  return [...questions, ...more.filter(({ id }) => !questions.some((q) => q.id === id))];
}

/** Without a framework an agent cannot run, and which it should be is nothing to guess. */
function frameworkQuestions(configuration: Configuration, adapters: Adapters, chosen: Route): Question[] {
  if (!isBlank(chosen.framework)) return [];
  const choices = frameworkChoices(configuration, adapters, chosen);
  if (!choices) return [];
  return [{ id: "framework", question: `Which agent framework should run it? ${ECHO}.`, choices }];
}

/** What only AgentCore needs: which runtime, or an image and a role to make one of. */
function awsQuestions(chosen: Route): Question[] {
  if (chosen.provider !== "aws") return [];
  const details = chosen.target.details ?? {};
  if (chosen.target.mode === "session") {
    if (!isBlank(details.runtimeArn)) return [];
    return [{ id: "runtimeArn", question: "Which AgentCore runtime should it run on? Give its ARN." }];
  }
  const questions: Question[] = [];
  if (isBlank(details.ecrImageUri)) {
    questions.push({
      id: "ecrImageUri",
      question: "Which container image should the runtime be made from? Give its ECR URI.",
    });
  }
  if (isBlank(details.executionRoleArn) && isBlank(details.defaultExecutionRoleArn)) {
    questions.push({ id: "executionRoleArn", question: "Which IAM role should the runtime run as? Give its ARN." });
  }
  return questions;
}

/** A call that cannot be routed is refused, with its reason, once everything it lacks was asked for. */
function tryRoute(
  configuration: Configuration,
  adapters: Adapters,
  request: RouteRequest,
  runtime: string | undefined,
) {
  try {
    return route(configuration, adapters, request, chooseProfile(configuration, runtime));
  } catch (error) {
    if (error instanceof DispatchError) return undefined;
    throw error;
  }
}

const isServed = (adapters: Adapters, provider: string): boolean =>
  Object.values(adapters).some((adapter) => adapter.provider === provider);

const given = ({ fields, context }: SpawnQuestionable, name: string): unknown =>
  own(fields, name) ?? (context && own(context, name));

const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === "string" && value.trim() === "");
