import { own } from "../contract/configuration.ts";
import type { Estimate } from "../contract/costs/estimate.ts";
import type { Task } from "../contract/task.ts";
import type { Adapters } from "./adapter.ts";

/** What a task costs besides its models, as its backend estimates it; undefined where that cannot be guessed. */
export const estimateOf = (adapters: Adapters, task: Task): Estimate | undefined =>
  own(adapters, task.backend)?.estimate?.(task);
