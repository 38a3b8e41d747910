import * as z from "zod";
import { type Configuration, own } from "../contract/configuration.ts";
import { environmentVariables } from "../contract/execution-environment.ts";
import type { Task } from "../contract/task.ts";

const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be letters, digits and underscores, no digit first");

/** `environment` in the details of an adapter whose workers are given one. */
export const environmentSchema = z.record(variable, z.string());

/**
 * The environment that the configuration sets for the workers of a task: its profile's, else the defaults', else its
 * backend's. It may be secret, so it goes from the configuration to the worker, and never into a task.
 */
export function workerEnvironment(
  { defaults, backends, runtimes }: Configuration,
  task: Partial<Pick<Task, "backendName" | "profile">>,
): Record<string, string> | undefined {
  const places = [
    own(backends, task.backendName ?? "")?.details,
    defaults.target?.details,
    own(runtimes, task.profile ?? "")?.target.details,
  ];
  const environment = places.findLast((details) => details?.environment !== undefined)?.environment;
  return environment as Record<string, string> | undefined;
}

/** Tells a worker which variables are meant for its jobs: an agent's program gets those, and not all that the worker has. */
export const givenNames = (environment: Readonly<Record<string, string>> = {}): Record<string, string> => {
  const names = Object.keys(environment);
  return names.length === 0 ? {} : { [environmentVariables.workerGivenNames]: names.join(",") };
};

/** What the worker's own process reads as it starts, before any task has said a word to it. */
const workersOwn = /^(AGENTDISPATCH_|NODE_)|^TMPDIR$|_PROXY$/i;

/**
 * The environment of a runtime that tasks share, in two: what its workers are set up with, the same for all, and what each
 * session is told as its job starts. `AGENTDISPATCH_WORKER_GIVEN_NAMES` has the names of both.
 */
export function dividedEnvironment(environment: Readonly<Record<string, string>> = {}): {
  ofWorker: Record<string, string>;
  ofSession: Record<string, string>;
} {
  const all = Object.entries(environment);
  const isOwn = ([name]: [string, string]) => workersOwn.test(name);
  return {
    ofWorker: Object.fromEntries(all.filter(isOwn)),
    ofSession: Object.fromEntries(all.filter((entry) => !isOwn(entry))),
  };
}
