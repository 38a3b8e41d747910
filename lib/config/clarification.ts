import type { Adapters, BackendAdapter } from "../backends/adapter.ts";
import { isBlank, missingDetails, type NeededDetail } from "../backends/description.ts";
import { type Configuration, own, type Runtime } from "../contract/configuration.ts";
import { RefusedError } from "../contract/errors.ts";
import type { Json } from "../contract/task.ts";
import type { Clarification, Question } from "../contract/tools/spawn-cloud-agent.ts";
import { callerPatterns } from "./allow-list.ts";
import { frameworkQuestions } from "./framework-choice.ts";
import { accountOf, chooseProfile, type Route, type RouteRequest } from "./routing.ts";

/** The parts of a spawn that something can be missing from. */
export type SpawnQuestionable = {
  instruction?: string | undefined;
  runtime?: string | undefined;
  context?: Json | undefined;
  request: RouteRequest;
  /** Every field of the call, under the names a caller uses. */
  fields: Json;
};

/** Asks for what a spawn lacks, routed as `chosen` if it could be; undefined when nothing is missing. */
export function clarify(
  configuration: Configuration,
  adapters: Adapters,
  call: SpawnQuestionable,
  chosen: Route | undefined,
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
    questions.push(...placementQuestions(configuration, adapters, call, chosen));
  }
  if (questions.length === 0) return undefined;
  return {
    status: "needs_clarification",
    retry_tool: "spawn_cloud_agent",
    questions,
    available_runtimes: available,
  };
}

/** Names of the details that adapters ask for: whoever answers gives them as fields of the call. */
export const askedDetails = (adapters: Adapters): string[] =>
  Object.values(adapters).flatMap(({ needs }) => needs.map(({ name }) => name));

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

function placementQuestions(
  configuration: Configuration,
  adapters: Adapters,
  call: SpawnQuestionable,
  chosen: Route | undefined,
): Question[] {
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
  const adapter = chosen && own(adapters, chosen.backend);
  if (!adapter) return questions;
  const frameworks = frameworkQuestions(adapters, chosen);
  const missing = missingDetails(adapter, chosen.target).filter(({ name }) => !questions.some(({ id }) => id === name));
  const more = missing.flatMap((detail) => detailQuestions(configuration, adapter, detail));
  const asked = [...questions, ...more, ...frameworks];
  // Nothing is asked for that would then be refused; and what is known to lack something is refused here, not in a task.
  const [unasked] = missing.filter(({ name }) => !more.some(({ id }) => id === name));
  if (unasked && asked.length === 0 && !isBlank(call.instruction)) throw targetIncomplete(adapter, unasked);
  return asked;
}

/** Asks for a detail, with what is accepted where callers may not name anything; nothing where they may name none. */
function detailQuestions(
  configuration: Configuration,
  adapter: BackendAdapter,
  { name: id, question, choices }: NeededDetail,
): Question[] {
  const guard = own(adapter.guarded, id);
  if (!guard) return [{ id, question, ...(choices && { choices: [...choices] }) }];
  const patterns = callerPatterns(configuration, adapter, guard.list);
  if (patterns.length === 0) return [];
  if (patterns.every((pattern) => !pattern.includes("*"))) return [{ id, question, choices: [...new Set(patterns)] }];
  const bound = patterns.includes("*") ? "" : ` It must match ${patterns.slice(0, 10).join(" or ")}.`;
  return [{ id, question: question + bound }];
}

function targetIncomplete({ guarded }: BackendAdapter, { name }: NeededDetail): RefusedError {
  const list = own(guarded, name)?.list;
  return new RefusedError("task.target_incomplete", `no ${name} is configured, and callers may name none`, {
    hint: `in the configuration file, set ${name} in the details of the backend, or say in allowed.${list} what callers may name`,
    details: { path: `target.details.${name}`, allowedBy: `allowed.${list}` },
  });
}

const isServed = (adapters: Adapters, provider: string): boolean =>
  Object.values(adapters).some((adapter) => adapter.provider === provider);

const given = ({ fields, context }: SpawnQuestionable, name: string): unknown =>
  own(fields, name) ?? (context && own(context, name));
