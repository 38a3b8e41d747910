import type { Adapters, Placement } from "../backends/adapter.ts";
import { isBlank } from "../backends/description.ts";
import { own } from "../contract/configuration.ts";
import { InvalidInputError, RefusedError } from "../contract/errors.ts";
import { builtInFramework, programFrameworks, unknownFramework } from "../contract/frameworks.ts";
import type { Check } from "../contract/tools/check-cloud-agent-runtime.ts";
import type { FrameworkState } from "../contract/tools/framework-state.ts";
import type { Question } from "../contract/tools/spawn-cloud-agent.ts";

type Chosen = Placement & { framework?: string | undefined };

/** Names of the frameworks to choose from; undefined where the runtime is not of ours, or not known to be. */
const choicesOf = (adapters: Adapters, placement: Placement): readonly string[] | undefined =>
  own(adapters, placement.backend)?.frameworks(placement);

/**
 * Asks which framework an agent is to run in, where none is chosen, or one that nobody knows: which it should be is nothing
 * to guess. Throws RefusedError `task.framework_missing` for a framework of ours that is not there.
 */
export function frameworkQuestions(adapters: Adapters, chosen: Chosen): Question[] {
  const choices = choicesOf(adapters, chosen);
  const framework = isBlank(chosen.framework) ? undefined : chosen.framework;
  if (!choices || (framework !== undefined && choices.includes(framework))) return [];
  if (framework !== undefined && builtInFramework(framework)) throw missing(adapters, chosen, framework, choices);
  const why = framework === undefined ? "" : `The worker has no framework ${JSON.stringify(framework)}. `;
  const question = `${why}Which agent framework should run it? ${aboutChoices(adapters, chosen, choices)}`;
  return [{ id: "framework", question, choices: [...choices] }];
}

/**
 * Refuses an agent where our worker has no such framework, or none is chosen. Throws InvalidInputError with the choices, or
 * RefusedError `task.framework_missing` for a framework of ours that is not there.
 */
export function refuseUnknownFramework(adapters: Adapters, chosen: Chosen): void {
  const choices = choicesOf(adapters, chosen);
  const { framework } = chosen;
  if (!choices || (framework !== undefined && choices.includes(framework))) return;
  if (framework !== undefined && builtInFramework(framework)) throw missing(adapters, chosen, framework, choices);
  const message =
    framework === undefined
      ? `is required; there are: ${choices.join(", ")}`
      : (unknownFramework(framework, choices)?.message ?? "");
  throw new InvalidInputError([{ path: "input.framework", message }], {
    hint: aboutChoices(adapters, chosen, choices).replace(/\.$/, ""),
  });
}

/** Which framework would run an agent there, and whether it could: `chosen.framework` is what call, profile or backend say. */
export async function frameworkCheck(adapters: Adapters, chosen: Chosen, live: boolean): Promise<Check[]> {
  const choices = choicesOf(adapters, chosen);
  if (!choices) return [];
  const there = choices.join(", ");
  const { framework } = chosen;
  const name = "framework";
  if (framework === undefined)
    return [{ name, status: "warn", message: `none is configured, so each spawn asks; there are: ${there}` }];
  const install = installOf(adapters, chosen, framework);
  if (!choices.includes(framework) && install !== undefined)
    return [{ name, status: "fail", message: `${framework} is not there: ${install}; there are: ${there}` }];
  const unknown = unknownFramework(framework, choices);
  if (unknown) return [unknown];
  const also = choices.filter((choice) => choice !== framework).join(", ");
  const others = also && `; there are also: ${also}`;
  const adapter = own(adapters, chosen.backend);
  const states = live ? await adapter?.inspectFrameworks?.({ placement: chosen, only: framework }) : undefined;
  const state = states?.find((known) => known.name === framework);
  const status = state ? checkStatus[state.status] : "pass";
  return [{ name, status, message: `${framework}${state ? `: ${describeState(state)}` : ""}${others}` }];
}

const checkStatus = {
  ready: "pass",
  unsure: "warn",
  not_logged_in: "fail",
  outdated: "fail",
  not_installed: "fail",
} as const satisfies Record<FrameworkState["status"], Check["status"]>;

const describeState = ({ message, hint }: FrameworkState): string =>
  hint === undefined ? message : `${message}; ${hint}`;

const installOf = (adapters: Adapters, { backend }: Placement, framework: string): string | undefined =>
  builtInFramework(framework) && own(adapters, backend)?.frameworkInstall?.(framework);

function missing(adapters: Adapters, chosen: Chosen, framework: string, choices: readonly string[]): RefusedError {
  const install = installOf(adapters, chosen, framework);
  const others = `choose another framework: ${choices.join(", ")}`;
  return new RefusedError("task.framework_missing", `the worker has no framework ${framework}`, {
    hint: install === undefined ? others : `${install}, or ${others}`,
    details: { framework, available: [...choices] },
  });
}

/** What nobody should have to find out of the frameworks to choose from: what echo is, and how more would come there. */
function aboutChoices(adapters: Adapters, chosen: Chosen, choices: readonly string[]): string {
  const [first = ""] = programFrameworks;
  const hasNone = chosen.framework === undefined && !programFrameworks.some((name) => choices.includes(name));
  const install = hasNone ? installOf(adapters, chosen, first) : undefined;
  return `${ECHO}.${install === undefined ? "" : ` No agent program is installed; for ${first}, ${install}.`}`;
}

const ECHO = "echo only answers with its prompt";
