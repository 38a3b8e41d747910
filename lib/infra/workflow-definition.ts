import { readFileSync } from "node:fs";
import { join } from "node:path";

const file = join(import.meta.dirname, "../workflow/dispatch.asl.json");

/** A state that calls a function: its name, the placeholder for the function's ARN, and how long it waits for it. */
export type TaskState = { name: string; placeholder: string; timeoutSeconds: number };

/** The definition as it is written, with a placeholder for each step function. */
export const workflowDefinition = (): string => readFileSync(file, "utf8");

/** The states that call a function. Throws an Error for one whose function or time limit cannot be told. */
export function taskStates(definition: string): TaskState[] {
  const { States } = JSON.parse(definition) as { States: Record<string, Record<string, unknown>> };
  return Object.entries(States).flatMap(([name, { Type, Resource, TimeoutSeconds }]) => {
    if (Type !== "Task") return [];
    const [, placeholder] = /^\$\{(\w+)\}$/.exec(String(Resource)) ?? [];
    if (placeholder !== `${name}Function` || typeof TimeoutSeconds !== "number")
      throw new Error(`the state ${name} needs "Resource": "\${${name}Function}" and TimeoutSeconds`);
    return [{ name, placeholder, timeoutSeconds: TimeoutSeconds }];
  });
}
