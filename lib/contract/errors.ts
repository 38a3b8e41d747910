import * as z from "zod";

/** What a caller reads when something was refused or failed; `hint` names a command or field that exists. */
export const problemSchema = z.object({
  code: z.string().min(1).max(100),
  message: z.string().max(8000),
  retryable: z.boolean(),
  hint: z.string().max(2000).optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

type Extra = { hint?: string; details?: Record<string, unknown>; cause?: unknown };

/** The base of the family. Its `code` is stable and part of the contract; the subclass says what a caller should do. */
export class DispatchError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly hint: string | undefined;
  readonly details: Record<string, unknown> | undefined;

  constructor(code: string, message: string, retryable: boolean, extra: Extra = {}) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = retryable;
    this.hint = extra.hint;
    this.details = extra.details;
  }

  /** The error as it travels: never a stack, never a cause. */
  get problem(): Problem {
    return {
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(this.hint !== undefined && { hint: this.hint }),
      ...(this.details !== undefined && { details: this.details }),
    };
  }
}

/** The same call will be refused again: something in it, or in the configuration, has to change. */
export class RefusedError extends DispatchError {
  constructor(code: string, message: string, extra: Extra = {}) {
    super(code, message, false, extra);
  }
}

/** Nothing is wrong with the call; the same call may succeed later. */
export class RetryableError extends DispatchError {
  constructor(code: string, message: string, extra: Extra = {}) {
    super(code, message, true, extra);
  }
}

/** Something could not be made, and this attempt left nothing behind. */
export class NothingMadeError extends DispatchError {
  constructor({ code, message, retryable, hint, details, cause }: DispatchError) {
    super(code, message, retryable, {
      ...(hint !== undefined && { hint }),
      ...(details !== undefined && { details }),
      cause,
    });
  }
}

/** A conditional write was refused because the task no longer stands where the writer thought. */
export class TransitionRefusedError extends RefusedError {
  readonly from: string;
  readonly to: string;

  constructor(from: string, to: string) {
    super("task.transition_refused", `a task that is ${from} cannot become ${to}`);
    this.from = from;
    this.to = to;
  }
}

/** One issue of an input or of a file: where, and what is allowed there. */
export type Issue = { path: string; message: string };

/** The input cannot be understood; every issue is named. Code `input.invalid`. */
export class InvalidInputError extends RefusedError {
  /** All of them; the message and the details that travel hold the first twenty. */
  readonly issues: readonly Issue[];

  constructor(issues: readonly Issue[], extra: Extra = {}) {
    const listed = issues.slice(0, 20);
    const more = issues.length - listed.length;
    const text = listed.map(describeIssue).join("; ") + (more > 0 ? `; and ${more} more` : "");
    super("input.invalid", text.slice(0, 8000), { ...extra, details: { issues: listed } });
    this.issues = issues;
  }
}

/** An issue as one line of text. */
export const describeIssue = ({ path, message }: Issue): string => (path ? `${path}: ${message}` : message);

export const taskNotFound = (id: string) =>
  new RefusedError("task.not_found", `no task ${id}`, { hint: "list_tasks shows the tasks you can see" });

export const taskTerminal = (id: string, status: string) =>
  new RefusedError("task.terminal", `task ${id} is ${status}: its result stands`, {
    hint: "get_task_result returns it",
    details: { taskId: id, status },
  });

/**
 * Any thrown value as a problem. What is not ours becomes `platform.internal` with a neutral text,
 * so that no internal text or secret travels; log the original where it is caught.
 */
export function toProblem(error: unknown): Problem {
  if (error instanceof DispatchError) return error.problem;
  return {
    code: "platform.internal",
    message: "an internal error; the log of the endpoint has the details",
    retryable: true,
  };
}

/**
 * Proof that the worker session does not exist any more; three in a row end a running task as `worker.lost`. One that is not
 * certain, because what lies between may be at fault, has to hold for a minute besides.
 */
export class WorkerGoneError extends RetryableError {
  readonly isCertain: boolean;

  constructor(message: string, { isCertain = true, ...extra }: Extra & { isCertain?: boolean } = {}) {
    super("worker.gone", message, extra);
    this.isCertain = isCertain;
  }
}

/** An invocation was sent and its outcome is not known: it may still reach the worker. */
export class OutcomeUnknownError extends RetryableError {
  constructor(message: string, cause?: unknown) {
    super("worker.outcome_unknown", message, { cause });
  }
}

/** The code of a system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}
