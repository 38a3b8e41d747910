import { type DeliveredCode, type ErrorCode, factsOf, type RefusedCode, type RetryableCode } from "./error-codes.ts";

type Details = Record<string, unknown>;

/** What a caller reads when something was refused or failed; `hint` names a command or field that exists. */
export type Problem = {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  hint?: string | undefined;
  details?: Details | undefined;
};

type Extra = { hint?: string | undefined; details?: Details | undefined };
type Caused = Extra & { cause?: unknown };

/** A problem of ours; whether it can be overcome by the same call says the table. */
export const problem = (code: ErrorCode, message: string, { hint, details }: Extra = {}): Problem => ({
  code,
  message,
  retryable: factsOf(code).retryable,
  ...(hint !== undefined && { hint }),
  ...(details !== undefined && { details }),
});

/**
 * The base of the family, and a problem that somebody else reported. Its `code` is stable and part of the contract; the
 * subclass says what a caller should do.
 */
export class DispatchError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly hint: string | undefined;
  readonly details: Details | undefined;

  constructor({ code, message, retryable, hint, details }: Problem, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = retryable;
    this.hint = hint;
    this.details = details;
  }

  /** The error as it travels: never a stack, never a cause. */
  get problem(): Problem {
    const { code, message, hint, details } = this;
    return { ...problem(code, message, { hint, details }), retryable: this.retryable };
  }

  /** A copy, of the same class, that says something else. */
  with(changes: Extra & { message?: string }): this {
    return copyOf(this, changes);
  }
}

/** Not in the class: bundlers give one that names itself another name, which people would read. */
function copyOf<Copied extends DispatchError>(error: Copied, changes: Extra & { message?: string }): Copied {
  const copy = new DispatchError({ ...error.problem, ...changes }, error.cause);
  const { message: _, ...fields } = changes;
  return Object.setPrototypeOf(Object.assign(copy, error, fields), Object.getPrototypeOf(error));
}

/** The same call will be refused again: something in it, or in the configuration, has to change. */
export class RefusedError extends DispatchError {
  constructor(code: RefusedCode, message: string, { cause, ...extra }: Caused = {}) {
    super(problem(code, message, extra), cause);
  }
}

/** Nothing is wrong with the call; the same call may succeed later. */
export class RetryableError extends DispatchError {
  constructor(code: RetryableCode, message: string, { cause, ...extra }: Caused = {}) {
    super(problem(code, message, extra), cause);
  }
}

/** Something could not be made, and this attempt left nothing behind. */
export class NothingMadeError extends DispatchError {
  constructor(error: DispatchError) {
    super(error.problem, error.cause);
  }
}

/** A job that nobody can ask about has failed and may have run: look for what it did before it is dispatched again. */
export class MayHaveRunError extends DispatchError {
  constructor(code: DeliveredCode, message: string, { hint, details, cause }: Caused = {}) {
    const look = "the job may have run; look for what it did before you dispatch it again";
    const said = problem(code, message, { hint: hint === undefined ? look : `${look}; ${hint}`, details });
    super({ ...said, retryable: false }, cause);
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

  constructor(issues: readonly Issue[], extra: Caused = {}) {
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
  return problem("platform.internal", "an internal error; the log of the endpoint has the details");
}

/**
 * Proof that the worker session does not exist any more; three in a row end a running task as `worker.lost`. One that is not
 * certain, because what lies between may be at fault, has to hold for a minute besides.
 */
export class WorkerGoneError extends RetryableError {
  readonly isCertain: boolean;

  constructor(message: string, { isCertain = true, ...extra }: Caused & { isCertain?: boolean } = {}) {
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
