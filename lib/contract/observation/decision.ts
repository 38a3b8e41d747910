import { type ErrorCode, factsOf } from "../error-codes.ts";
import { isTerminal, type Status } from "../lifecycle.ts";
import type { Logger, LogLevel } from "../logger.ts";
import type { Task } from "../task.ts";
import { traceIdOf } from "./trace.ts";

/** What can be undone or given back, by name. */
export type Obligation = keyof Task["obligations"];

/** Whose task it is about, and the trace that it belongs to; `owner` is told to nobody but as a hash. */
type OfTask = { taskId: string; owner: string; trace?: string | undefined };

/**
 * What nobody asks for any more, or what has gone missing, as the janitor finds it: a slot of a task that is over or not
 * there, a queue item that a waiting task lacks, one of a task that waits no more, a task that is over among the users of a
 * runtime, a runtime that tasks shared and none has used for a while, one that no record knows, a session that was kept ready
 * and is not wanted any more, the log of one that is gone, and a log that would be kept for ever.
 */
export type Found =
  | "slot"
  | "missing_queue_item"
  | "stray_queue_item"
  | "runtime_user"
  | "idle_runtime"
  | "unknown_runtime"
  | "warm_session"
  | "old_log"
  | "endless_log";

/**
 * Something that was decided about a task, or about a queue: one line of the log each, and what is counted. `ms` is what it
 * took, in milliseconds: from the call to the record of the task (`dispatched`), in the status that was left (`moved`,
 * `ended`), from the record to the worker's first event (`first_event`), from the task's end until nothing was owed
 * (`settled`), since it should have been looked at (`recovered`), for the step or the call itself (`stepped`, `refused`).
 */
export type Decision =
  | (OfTask & { decision: "dispatched"; ms: number; profile: string; backend: string; taskType: string })
  | (OfTask & { decision: "moved"; ms: number; from: Status; to: Status })
  | (OfTask & { decision: "ended"; ms: number; from: Status; to: Status; totalMs: number; code?: ErrorCode })
  | (OfTask & { decision: "first_event"; ms: number })
  | (OfTask & { decision: "owed"; obligation: Obligation })
  | (OfTask & { decision: "settled"; ms: number })
  | (OfTask & { decision: "recovered"; ms: number; attempt: number; status: Status })
  | (OfTask & { decision: "put_off"; error: string })
  | { decision: "stepped"; taskId: string; step: string; ms: number; again: boolean; code?: ErrorCode }
  | { decision: "queued"; owner: string; depth: number }
  | { decision: "found"; thing: Found; taskId?: string; owner?: string; name?: string; region?: string }
  | { decision: "refused"; tool: string; ms: number; code: ErrorCode };

/** What a line says of its decision, and how much it matters: a step that only comes again is of interest to few. */
export function messageOf(decision: Decision): { level: LogLevel; message: string } {
  if (decision.decision === "stepped" && decision.again && decision.code === undefined)
    return { level: "debug", message: "a step comes again" };
  return messages[decision.decision];
}

const info = (message: string) => ({ level: "info", message }) as const;
const messages: Readonly<Record<Decision["decision"], { level: LogLevel; message: string }>> = {
  dispatched: info("a task was dispatched"),
  moved: info("a task moved on"),
  ended: info("a task ended"),
  first_event: info("a worker told of its task for the first time"),
  owed: info("a task owes something"),
  settled: info("a task owes nothing any more"),
  recovered: info("a task was recovered"),
  put_off: { level: "error", message: "an obligation of a task cannot be settled; it is tried again in an hour" },
  stepped: info("a step is over"),
  queued: info("tasks wait in a queue"),
  found: info("something was left behind, and is put in order"),
  refused: info("a call was refused"),
};

/** Every metric, with its unit as CloudWatch names it, and the one dimension that some have: each value of it is billed. */
export const metrics = {
  Handles: { unit: "Count" },
  QueueDepth: { unit: "Count" },
  TimeToFirstEvent: { unit: "Milliseconds" },
  PhaseTime: { unit: "Milliseconds", dimension: "phase" },
  Outcomes: { unit: "Count", dimension: "outcome" },
  PlatformFailures: { unit: "Count" },
  Recoveries: { unit: "Count" },
  SettleTime: { unit: "Milliseconds" },
  OverdueObligations: { unit: "Count" },
  StuckObligations: { unit: "Count" },
  Found: { unit: "Count", dimension: "thing" },
} as const satisfies Record<string, { unit: "Count" | "Milliseconds"; dimension?: string }>;
export type MetricName = keyof typeof metrics;

/** Whether a metric has a dimension, and which. */
export function dimensionOf(name: MetricName): string | undefined {
  const metric = metrics[name];
  return "dimension" in metric ? metric.dimension : undefined;
}

/** One value of a metric. */
export type Measured = { name: MetricName; value: number; of?: string };

/** What a decision counts. A task that ended counts as its status, or by the code of its error. */
export function measured(decision: Decision): Measured[] {
  switch (decision.decision) {
    case "dispatched":
      return [{ name: "Handles", value: 1 }];
    case "moved":
      return [{ name: "PhaseTime", value: decision.ms, of: decision.from }];
    case "ended":
      return [
        { name: "PhaseTime", value: decision.ms, of: decision.from },
        { name: "Outcomes", value: 1, of: decision.code ?? decision.to },
        ...(decision.code && factsOf(decision.code).who === "platform" ? [one("PlatformFailures")] : []),
      ];
    case "first_event":
      return [{ name: "TimeToFirstEvent", value: decision.ms }];
    case "settled":
      return [{ name: "SettleTime", value: decision.ms }];
    case "recovered":
      return isTerminal(decision.status) ? [one("Recoveries"), one("OverdueObligations")] : [one("Recoveries")];
    case "put_off":
      return [one("StuckObligations")];
    case "queued":
      return [{ name: "QueueDepth", value: decision.depth }];
    case "found":
      return [{ name: "Found", value: 1, of: decision.thing }];
    default:
      return [];
  }
}

const one = (name: MetricName): Measured => ({ name, value: 1 });

/** A decision as the fields of a line; whoever writes it makes a hash of `owner`. */
export function fieldsOf(decision: Decision): Record<string, unknown> {
  const { trace, ...fields }: Decision & { trace?: string | undefined } = decision;
  return { ...fields, ...(trace !== undefined && { traceId: traceIdOf(trace) }) };
}

/** Writes the line of a decision. */
export function say(log: Logger, decision: Decision): void {
  const { level, message } = messageOf(decision);
  log[level](message, fieldsOf(decision));
}
