import * as z from "zod";
import type { Problem } from "./errors.ts";
import { assertTransition, isTerminal, type Status } from "./lifecycle.ts";

export const taskIdSchema = z
  .string()
  .regex(/^task_[0-9a-f]{32}$/, "must be a task id: task_ and 32 hexadecimal digits");

/** A new task id; always random, so that it says nothing and collides with nothing. */
export function newTaskId(): string {
  return `task_${randomHex(16)}`;
}

/** `bytes` random bytes as hexadecimal digits. */
export function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, "0")).join("");
}

export const taskTypes = ["agent.run", "command.run"] as const;
export type TaskType = (typeof taskTypes)[number];
export const targetModes = ["session", "runtime"] as const;
export type TargetMode = (typeof targetModes)[number];
export const protocols = ["http", "a2a", "mcp", "ag-ui"] as const;
export type Protocol = (typeof protocols)[number];
export const CAPABILITY = "agent-runtime";
/**
 * How the control plane and a worker talk: `call`, we invoke it; `synchronous`, one request that is held until the job has
 * ended, on a runtime without the worker contract; `mailbox`, it calls us, which no adapter can do yet.
 */
export const channels = ["call", "synchronous", "mailbox"] as const;
export type Channel = (typeof channels)[number];

export type Json = Record<string, unknown>;
export type Target = { mode: TargetMode; protocol?: Protocol; details?: Json };

/** Where a value too large for the task item is kept. */
export type ValueRef = { uri: string; sizeBytes: number; sha256: string };

/** Limits as they stood when the task was dispatched. */
export type Limits = {
  maxRunning: number;
  maxRunningPerProfile: number;
  timeoutSeconds: number;
  graceSeconds: number;
  maxDepth: number;
  maxBudgetUsd?: number;
};

/** A file that the task left behind; it ends `stored` or `lost`, with the reason. */
export type TaskArtifact = {
  id: string;
  name: string;
  kind: "file";
  contentType: string;
  sizeBytes: number;
  sha256: string;
  state: "pending" | "stored" | "lost";
  reason?: string;
  createdAt: string;
};

/** Files that a job left beyond what is kept: how many, and the first of them. `limit` is how many are kept. */
export type LeftOut = { count: number; limit: number; files: { name: string; reason: string }[] };

/**
 * The worker session of a task. `inFlight` are the invocations under way, each with the time (epoch ms) until which it
 * may last: none begins once the session is `closed`, and the last stop waits until none is left.
 */
export type Session = {
  id: string;
  state: "open" | "closed";
  inFlight: Record<string, number>;
  /** Invocations that may have reached it. */
  sent?: number;
  bootId?: string;
  startAttemptedAtMs?: number;
  /** Attempts to hand the job over since then, that one included. */
  startAttempts?: number;
  /** Since when the end of the job is refused where it should be kept (epoch ms). */
  unkeptSinceMs?: number;
  /** Polls in a row that failed after the deadline. */
  overdueMisses?: number;
  /** Workers that were lost before the job could start. */
  lostWorkers?: number;
  /** Failures in a row that speak for the work being gone. */
  suspicions?: number;
  /** Since when there are such failures (epoch ms). */
  failingSinceMs?: number;
};

/**
 * What has to be undone or given back, written before the effect that creates the obligation. `slot` is the profile for which it
 * counts: the task has one, or has lent it to a task that it dispatched. `children` is there while those are to be cancelled.
 */
export type Obligations = { slot?: string; session?: string; runtime?: string; children?: "cancel" };

/** What the worker said of the end; the status follows once its artifacts are safe. */
export type Outcome = { status: "succeeded" | "failed" | "cancelled"; atMs: number };

/** A task as it is stored. Times ending in `Ms` are epoch milliseconds, the others RFC 3339. */
export type Task = {
  id: string;
  owner: string;
  /** Grows with every write; a write names the one it has seen. */
  revision: number;
  /** Number of the execution that may act for this task; a step of an older one does nothing. */
  executionNumber: number;
  provider: string;
  accountProfile: string;
  capability: string;
  /** Name of the backend adapter. */
  backend: string;
  /** Name of the backend in the configuration, when one was chosen. */
  backendName?: string;
  /** Runtime profile; admission counts by it. */
  profile: string;
  taskType: TaskType;
  target: Target;
  input: Json;
  /** Set when `input` is kept elsewhere because it is large; `input` is then a preview. */
  inputRef?: ValueRef;
  goal?: string;
  caller?: unknown;
  metadata?: Json;
  /** Values live here only until the start, then their names. */
  env?: Record<string, string>;
  envNames?: string[];
  limits: Limits;
  parent?: string;
  depth: number;
  /** It was cancelled with everything below it: what it dispatched begins no more. */
  calledOff?: true;

  status: Status;
  phases: Partial<Record<Status, string>>;
  createdAt: string;
  updatedAt: string;
  /** When the janitor should look: every step pushes it ahead. Absent once nothing is left to do. */
  dueAtMs?: number;
  /** Epoch seconds at which the store may forget the task; set once it is terminal and has no obligations. */
  expiresAtSeconds?: number;
  /** When the job's time is over, set at the start. */
  deadlineAtMs?: number;
  obligations: Obligations;
  /** Attempts to make its runtime that may have succeeded. */
  creations?: number;
  providerRefs: Record<string, string>;
  /** Set at dispatch, or by Provision where only the platform knows whether the runtime has the worker contract. */
  channel?: Channel;
  session?: Session;
  lease?: { holder: string; untilMs: number };
  /** Executions started anew in one phase since the worker last answered; too many end the task. */
  recoveries?: { count: number; atPhase: number };

  /** Number of the last worker event stored. */
  workerSequence: number;
  /** Length of the log in UTF-16 units. */
  logLength: number;
  /** Bytes of UTF-8 that count against what a log may hold: all of it once something did not fit. */
  logBytes?: number;
  /** Whether text is missing at the end of the log. */
  logTruncated?: boolean;
  progress?: { message?: string; sequence: number; timestamp: string; payload?: Json };
  usage?: Json;
  inputRequests?: Json;
  /** Set when they are kept elsewhere because they are large; `inputRequests` is then a preview. */
  inputRequestsRef?: ValueRef;
  outcome?: Outcome;
  result?: unknown;
  resultRef?: ValueRef;
  error?: Problem;
  /** How many files it left; they are kept beside the task, in pages. */
  artifactCount?: number;
  /** Those before this one are all stored or lost. */
  artifactsSettled?: number;
  /** Why those that are still pending are lost, once the task has ended. */
  artifactsLostReason?: string;
  artifactsLeftOut?: LeftOut;
  /** Parts that are previews, because the whole would be too large to store. */
  shortened?: string[];
  /** In tasks of older versions, in place of the pages. */
  artifacts?: TaskArtifact[];
};

/** Days for which a settled task stays readable, unless the configuration says otherwise. */
export const RETENTION_DAYS = 90;

/** Moves the status by the table of transitions and notes when. Throws TransitionRefusedError. Returns a new task. */
export function transition(task: Task, to: Status, nowMs: number): Task {
  assertTransition(task.status, to);
  return { ...task, status: to, phases: { ...task.phases, [to]: new Date(nowMs).toISOString() } };
}

/** Whether the janitor has nothing left to do for it. */
export function isSettled(task: Task): boolean {
  return isTerminal(task.status) && Object.keys(task.obligations).length === 0;
}

/** A copy without the given optional fields. */
export function without<T extends object, K extends keyof T>(value: T, ...keys: K[]): Omit<T, K> & Partial<Pick<T, K>> {
  const copy = { ...value };
  for (const key of keys) delete copy[key];
  return copy;
}
