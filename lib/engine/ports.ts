import type { Artifacts, ReadableArtifacts } from "../artifacts/port.ts";
import type { Adapters, BackendAdapter } from "../backends/adapter.ts";
import type { Configuration } from "../contract/configuration.ts";
import type { Logger } from "../contract/logger.ts";
import type { ReadableStore, TaskStore } from "../store/port.ts";
import type { Workflow } from "../workflow/port.ts";

/** How often Watch and waiting callers poll: set per platform. */
export type Pace = {
  /** Longest time, in seconds, for which one visit of Watch keeps polling before it returns. */
  visitSeconds: number;
  /** Longest pause between two visits, in seconds. */
  maxPauseSeconds: number;
};

/** Everything a tool or a step may touch. */
export interface Ports {
  readonly store: TaskStore;
  readonly artifacts: Artifacts;
  readonly workflow: Workflow;
  readonly backends: Readonly<Record<string, BackendAdapter>>;
  /** The configuration as it stands now. */
  configuration(): Configuration;
  /** Epoch milliseconds, as the clock has them; somebody may set it, forward or back. */
  now(): number;
  /** Whole milliseconds on a clock that nobody can set, for waits and timers; where it began says nothing. */
  steady(): number;
  readonly pace: Pace;
  /** Aborted when this process is about to end: whoever polls or waits returns soon. */
  readonly closing: AbortSignal;
  readonly log: Logger;
}

/** What reading tasks touches. */
export type ReadPorts = { store: ReadableStore; artifacts: ReadableArtifacts; backends: Adapters };
