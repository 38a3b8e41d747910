import type { Route } from "../config/routing.ts";
import type { Json, Task } from "../contract/task.ts";

/** A dispatch that is decided and not yet done. */
export type Plan = {
  route: Route;
  input: Json;
  goal?: string | undefined;
  caller?: unknown;
  env?: Record<string, string> | undefined;
  /** The conversation that an agent goes on with; without it an agent begins one. */
  conversation?: string | undefined;
  /** How its answer is wanted. */
  answer?: Pick<Task, "summaryChars" | "responseFormat"> | undefined;
  /** Name of the call's field that `env` came in. */
  envField: "environment_variables" | "input.env";
  /** The validated call before defaults, with the name of its tool: what an idempotency key stands for. */
  call: unknown;
  /** Where an earlier answer may serve the call, or its own a later one: what it says of that itself. */
  cache?: { asked: boolean | undefined };
  /** Of a task that is made of others: how it begins. */
  orchestration?: (Pick<Task, "orchestration" | "progress" | "workerSequence"> & { deadlineAtMs: number }) | undefined;
  /** Of one of those others: its id, which follows from its place among them. */
  place?: { id: string; position: number } | undefined;
};
