import type { Configuration } from "../contract/configuration.ts";
import type { Estimate } from "../contract/costs/estimate.ts";
import type { Problem } from "../contract/errors.ts";
import type { Channel } from "../contract/kinds.ts";
import type { Logger } from "../contract/logger.ts";
import type { Json, Target, Task } from "../contract/task.ts";
import type { Check } from "../contract/tools/check-cloud-agent-runtime.ts";
import type { FrameworkState } from "../contract/tools/framework-state.ts";
import type { Job, Operation } from "../contract/worker.ts";
import type { BackendDescription } from "./description.ts";
import type { Inventory } from "./inventory.ts";
import type { SharedRuntimes } from "./shared-runtimes.ts";

/** What was chosen for a task before it exists: enough to check a backend. */
export type Placement = {
  provider: string;
  accountProfile: string;
  backend: string;
  backendName?: string;
  profile?: string;
  target: Target;
  /** The agent framework, where one was chosen. */
  framework?: string;
  /** Its model, where one was chosen. */
  model?: string | Json;
  /** Whether the workspace is the one that the profile lives in. */
  trusted?: true;
};

/** A placement with what is to be done there. */
export type PlacedJob = Placement & Pick<Task, "taskType" | "input" | "env">;

/** `bootId` tells who the worker is, where that is known already: then it is not greeted. */
export type Readiness =
  | { ready: true; providerRefs?: Record<string, string>; bootId?: string }
  | { ready: false; waitSeconds: number };

/**
 * How long the answer to a request may take, in milliseconds, and what is called as the last thing before the request leaves,
 * each time that it does: what it throws is thrown, and nothing is sent.
 */
export type Bounds = { timeoutMs: number; beforeSend?: () => void };

/** Where profiles run. Every method is idempotent, and reads what it needs from the task. */
export interface BackendAdapter extends BackendDescription {
  /** Where targets are that name no region themselves. */
  readonly region?: string;
  /** It acts with the credentials of whoever calls: these decide what a call may name where the configuration does not. */
  readonly asCaller?: boolean;
  /** Names the session that the task will use; nothing exists yet. */
  nameSession(task: Task): string;
  /**
   * Names the runtime that the task will own, or undefined when it owns none; nothing exists yet. One that shares a runtime
   * owns none either, but that is asked of `shared`, first.
   */
  nameRuntime(task: Task): string | undefined;
  /** How the worker there is talked to; undefined where only the platform can say it, as `provision` then does. */
  channel(placement: Placement): Channel | undefined;
  /** Makes what was named. Throws DispatchError. */
  provision(task: Task): Promise<{ providerRefs: Record<string, string>; channel?: Channel }>;
  /** Whether the worker can be spoken to. Throws DispatchError when it never will. */
  awaitReady(task: Task): Promise<Readiness>;
  /**
   * Makes another worker in place of one that was lost before its job began, and resolves once it can be spoken to. Absent
   * where a session that is gone comes back when somebody invokes it. Throws as `provision` and `awaitReady` do.
   */
  renew?(task: Task): Promise<void>;
  /**
   * Sends one operation, once, and resolves with the worker's reply; for tasks whose channel is `call`. Throws
   * WorkerGoneError on proof that the session is gone, any other DispatchError when the outcome is not known.
   */
  invoke(task: Task, operation: Operation, options: Bounds & { signal?: AbortSignal }): Promise<unknown>;
  /**
   * Sends a message of A2A to the agent of the session, once, and resolves with the answer, which may take as long as the
   * agent does. Absent where no worker of ours speaks A2A. Throws as `invoke` does, RefusedError `adapter.unsupported`.
   */
  say?(
    task: Task,
    message: Record<string, unknown>,
    options: Pick<Bounds, "beforeSend"> & { signal: AbortSignal },
  ): Promise<unknown>;
  /** Ends the session and everything that runs in it. One that is gone already is success. */
  stop(task: Task): Promise<void>;
  /** Deletes the runtime that the task owns; resolves with true once it is gone. */
  deleteRuntime(task: Task): Promise<boolean>;
  /**
   * Refuses a job that cannot run there, before a task is made of it; asks nobody whom somebody would have to wait for.
   * Throws RefusedError, InvalidInputError.
   */
  assertPossible?(job: PlacedJob): void | Promise<void>;
  /** Whether a task could run there. Never throws; with `live` it asks the platform. */
  check(placement: Placement, live: boolean): Promise<Check[]>;
  /** Names of the frameworks of our worker there; undefined where the runtime is not of ours, or not known to be. */
  frameworks(placement: Placement): readonly string[] | undefined;
  /** The framework that an agent runs in where neither call nor profile says; undefined where that has to be asked. */
  defaultFramework?(placement: Placement): string | undefined;
  /** The model that an agent in that framework is given where neither call nor profile names one. */
  defaultModel?(placement: Placement, framework: string): string | undefined;
  /** How a framework that the worker there has not would come there: a sentence's end, such as "install it with `…`". */
  frameworkInstall?(framework: string): string | undefined;
  /**
   * The state of those frameworks, of the one that is named or of all that could be there: found without a call to any
   * model, and never with a secret in it. Without a placement it is of what is usual there. Never throws.
   */
  inspectFrameworks?(options: { placement?: Placement; only?: string }): Promise<FrameworkState[]>;
  /** How to talk to the agent directly, or undefined where nobody can. */
  cloudAgent(task: Task): Record<string, unknown> | undefined;
  /**
   * What the session of a task is in that shares no runtime: two with the same could have each other's, before their jobs begin.
   * Undefined where that cannot be; absent where sessions are made for their tasks alone.
   */
  sessionPlace?(task: Task): string | undefined;
  /**
   * The ARN of the role with whose credentials the agent of a task there calls others; undefined where nobody said it. Absent
   * where agents have none.
   */
  agentRole?(placement: Placement): string | undefined;
  /** What a task costs so far, or has cost; undefined before it costs anything. Absent where nothing does. */
  estimate?(task: Task): Estimate | undefined;
  /**
   * What so many seconds of the session of a task cost in US dollars, at least and at most. Absent where nothing is billed.
   */
  sessionUsd?(task: Task, seconds: number): { least: number; most: number };
  /** Absent where no task shares a runtime. */
  readonly shared?: SharedRuntimes;
  /** Absent where it makes no runtimes, or where their names do not say whose they are. */
  readonly inventory?: Inventory;
  /** For tasks whose channel is `synchronous`. */
  readonly synchronous?: SynchronousCalls;
}

/** How a job ended, in the words of the worker contract. `envelope` is the whole of what `result` was taken from. */
export type JobEnd = { result?: unknown; error?: Problem; envelope?: unknown; files?: readonly JobFile[] };

/** A file that a job left in its answer. */
export type JobFile = { name: string; contentType: string; content: Uint8Array };

/**
 * What whoever holds a call gives with it. `ask` puts questions, by name, to the caller of the task, and resolves with the
 * answers; with undefined when none came while the call could be held.
 */
export type Call = Pick<Bounds, "beforeSend"> & {
  signal: AbortSignal;
  log(text: string, stream: "stdout" | "stderr"): void;
  ask(requests: Json): Promise<Json | undefined>;
};

/**
 * Jobs on contract-less runtimes: each is one call, whose connection is held until it is answered. Nothing else is ever sent
 * to such a runtime, and whoever holds the call has its answer.
 */
export interface SynchronousCalls {
  /** Longest time for which a call can be held here, in seconds. */
  readonly maxSeconds: number;
  /** Sends the job, once, and resolves with its end; what it writes meanwhile goes to `log`. Throws DispatchError. */
  call(task: Task, job: Job, call: Call): Promise<JobEnd>;
}

export type Adapters = Readonly<Record<string, BackendAdapter>>;

/** An adapter as a system registers it: what it is, and how it is opened once the configuration was read. */
export type AdapterRegistration = {
  description: BackendDescription;
  open(system: { configuration: () => Configuration; log: Logger }): BackendAdapter;
};
