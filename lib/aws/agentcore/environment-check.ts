import type { Check, Placement } from "../../domain/ports.ts";
import type { Configuration } from "../../domain/profile.ts";
import { workerEnvironment } from "../../domain/worker-environment.ts";
import { warn } from "./checks.ts";

/** What is configured for workers goes into a runtime as it is made; one that exists keeps what it has. */
export function environmentCheck(configuration: Configuration, placement: Placement): Check[] {
  const names = Object.keys(workerEnvironment(configuration, placement) ?? {});
  if (placement.target.mode === "runtime" || names.length === 0) return [];
  const message =
    `the environment in the configuration (${names.join(", ")}) does not reach a runtime that exists already: set it on ` +
    "that runtime, or use mode runtime";
  return [warn("environment", message)];
}
