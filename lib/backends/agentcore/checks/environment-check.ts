import type { Check } from "../../../contract/tools/check-cloud-agent-runtime.ts";
import type { Placement } from "../../adapter.ts";
import { warn } from "./checks.ts";

/** What is configured for workers goes into a runtime as it is made; one that exists keeps what it has. */
export function environmentCheck(environment: Readonly<Record<string, string>>, { target }: Placement): Check[] {
  const names = Object.keys(environment);
  if (target.mode === "runtime" || names.length === 0) return [];
  const message =
    `the environment in the configuration (${names.join(", ")}) does not reach a runtime that exists already: set it on ` +
    "that runtime, or use mode runtime";
  return [warn("environment", message)];
}
