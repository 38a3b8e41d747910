import type { Adapters, Placement } from "../backends/adapter.ts";
import { own } from "../contract/configuration.ts";
import { InvalidInputError } from "../contract/errors.ts";
import { unknownFramework } from "../contract/frameworks.ts";
import type { Check } from "../contract/tools/check-cloud-agent-runtime.ts";

type Chosen = Placement & { framework?: string | undefined };

/** Names of the frameworks to choose from; undefined where the runtime is not of ours, or not known to be. */
export const frameworkChoices = (adapters: Adapters, placement: Placement): readonly string[] | undefined =>
  own(adapters, placement.backend)?.frameworks(placement);

/** Refuses an agent where our worker has no such framework, or none is named. Throws InvalidInputError with the choices. */
export function refuseUnknownFramework(adapters: Adapters, placement: Placement, framework: unknown): void {
  const choices = frameworkChoices(adapters, placement);
  if (!choices) return;
  const message =
    framework === undefined
      ? `is required; there are: ${choices.join(", ")}`
      : unknownFramework(String(framework), choices)?.message;
  if (message !== undefined) throw new InvalidInputError([{ path: "input.framework", message }], { hint: ECHO });
}

/** Which framework would run an agent there, and whether our worker has it. */
export function frameworkCheck(adapters: Adapters, chosen: Chosen): Check[] {
  const choices = frameworkChoices(adapters, chosen);
  if (!choices) return [];
  const there = choices.join(", ");
  if (chosen.framework !== undefined) {
    const unknown = unknownFramework(chosen.framework, choices);
    if (unknown) return [unknown];
    const also = choices.filter((name) => name !== chosen.framework).join(", ");
    return [
      { name: "framework", status: "pass", message: `${chosen.framework}${also && `; there are also: ${also}`}` },
    ];
  }
  return [
    { name: "framework", status: "warn", message: `none is configured, so each spawn asks; there are: ${there}` },
  ];
}

/** What nobody should have to find out. */
export const ECHO = "echo only answers with its prompt";
