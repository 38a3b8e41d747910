import { statSync } from "node:fs";
import { InvalidInputError } from "../../../contract/errors.ts";
import type { Assistant, Machine } from "../assistants/assistant.ts";
import { assistants } from "../assistants/index.ts";
import { findProgram } from "../assistants/on-path.ts";

/** Assistants that seem to be used on this machine: their program is on the PATH, or they keep settings. */
export const foundAssistants = (machine: Machine): Assistant[] =>
  assistants.filter(
    (assistant) =>
      findProgram(assistant.program, machine.env) !== undefined ||
      statSync(assistant.folder(machine), { throwIfNoEntry: false })?.isDirectory(),
  );

/** Those that are named; `all` are those that are found. Throws InvalidInputError. */
export function namedAssistants(names: readonly string[], machine: Machine): Assistant[] {
  const unknown = names.find((name) => name !== "all" && !assistants.some((assistant) => assistant.name === name));
  if (unknown !== undefined)
    throw new InvalidInputError([
      {
        path: "--client",
        message: `there is no ${unknown}; there are: ${assistants.map(({ name }) => name).join(", ")}, all`,
      },
    ]);
  const all = names.includes("all") ? foundAssistants(machine) : [];
  return assistants.filter((assistant) => names.includes(assistant.name) || all.includes(assistant));
}
