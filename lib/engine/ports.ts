import type { Artifacts, ReadableArtifacts } from "../artifacts/port.ts";
import type { Adapters, BackendAdapter } from "../backends/adapter.ts";
import type { Configuration } from "../contract/configuration.ts";
import type { Logger } from "../contract/logger.ts";
import type { Observer } from "../contract/observation/observer.ts";
import type { Task } from "../contract/task.ts";
import type { Dispatching } from "../contract/worker.ts";
import type { ReadableStore, TaskStore } from "../store/port.ts";
import type { WaitingPlaces } from "../store/waiting-places.ts";
import type { Workflow } from "../workflow/port.ts";

/** How often Watch and waiting callers poll: set per platform. */
export type Pace = {
  /** Longest time, in seconds, for which one visit of Watch keeps polling before it returns. */
  visitSeconds: number;
  /** Longest pause between two visits, in seconds. */
  maxPauseSeconds: number;
};

/** How the agent of a task reaches this system; `proof` is noted in the task before that is handed over, where it is to be known by. */
export type Reaching = { by: Dispatching; proof?: string };

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
  /** Where a call that waits holds what others need; without it any number may wait. */
  readonly waiting?: WaitingPlaces;
  /** How long a call may wait for what agents come to, in seconds, whatever is configured; without it as long as it likes. */
  readonly longestWaitSeconds?: number;
  /** Aborted when this process is about to end: whoever polls or waits returns soon. */
  readonly closing: AbortSignal;
  readonly log: Logger;
  /** Hears what is decided; what the store writes it hears from there. */
  readonly observe: Observer;
  /** The trace that the call under way belongs to, as `traceparent`: that of a task which is dispatched by it. */
  readonly trace?: string;
  /** The task whose agent makes the call under way: it reaches what is below that task, and nothing else. */
  readonly within?: string;
  /** How the agent of a task reaches this system to dispatch tasks of its own; absent where none can. */
  readonly dispatching?: (task: Task) => Reaching;
}

/** What reading tasks touches. */
export type ReadPorts = { store: ReadableStore; artifacts: ReadableArtifacts; backends: Adapters; within?: string };
