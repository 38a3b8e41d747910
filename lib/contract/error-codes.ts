/** What the code of an error says. */
type Facts = {
  /** Who failed, or whose it is to change something: the caller, the job itself, its worker, or the platform around them. */
  readonly who: "caller" | "task" | "worker" | "platform";
  /** Whether the same call may succeed later, as it is. */
  readonly retryable: boolean;
  /** With which a command line ends that shows the error. */
  readonly exitCode: number;
  /** With which an HTTP door answers that refuses a request for it. */
  readonly httpStatus: number;
  /** For what an invocation of a worker can end with: whether the request may have arrived. */
  readonly delivered?: "no" | "maybe" | "yes";
};

const caller = { who: "caller", retryable: false, exitCode: 2, httpStatus: 400 } as const;
const task = { who: "task", retryable: false, exitCode: 1, httpStatus: 422 } as const;
const worker = { who: "worker", retryable: false, exitCode: 1, httpStatus: 502 } as const;
const platform = { who: "platform", retryable: false, exitCode: 1, httpStatus: 500 } as const;
const passing = { retryable: true, httpStatus: 503 } as const;
const [missing, conflict, denied] = [{ httpStatus: 404 }, { httpStatus: 409 }, { httpStatus: 403 }] as const;
const [unsent, unknown, answered] = [{ delivered: "no" }, { delivered: "maybe" }, { delivered: "yes" }] as const;

/** Every code that an error can have; docs/ERRORS.md says what to do about each. */
export const errorCodes = {
  "account_profile.credential_source_unknown": { ...caller, ...unsent },
  "account_profile.not_found": { ...caller, ...missing },
  "account_profile.provider_mismatch": caller,
  "adapter.unsupported": caller,
  "artifact.corrupt": platform,
  "artifact.interrupted": { ...caller, retryable: true },
  "artifact.method": { ...caller, httpStatus: 405 },
  "artifact.not_found": { ...platform, ...missing },
  "artifact.token_expired": { ...caller, ...denied },
  "artifact.token_invalid": { ...caller, ...denied },
  "artifact.wrong_content": caller,
  "artifact.wrong_size": caller,
  "backend.not_found": { ...caller, ...missing },
  "caller.other": caller,
  "caller.token_missing": { ...caller, ...denied },
  "caller.token_refused": { ...caller, ...denied },
  "caller.unsupported": { ...caller, ...denied },
  "client.assistant_failed": platform,
  "client.file_exists": caller,
  "client.file_unwritable": platform,
  "client.internal": platform,
  "configuration.exists": { ...caller, ...conflict },
  "configuration.invalid": caller,
  "configuration.unwritable": platform,
  "conversation.full": { ...caller, ...conflict },
  "conversation.not_found": { ...caller, ...missing },
  "endpoint.address_invalid": caller,
  "endpoint.answer_lost": { ...platform, httpStatus: 502 },
  "endpoint.busy": { ...platform, ...passing },
  "endpoint.closed": platform,
  "endpoint.failed": { ...platform, httpStatus: 502 },
  "endpoint.forbidden": { ...platform, ...denied },
  "endpoint.insecure": caller,
  "endpoint.redirected": { ...platform, httpStatus: 502 },
  "endpoint.unauthenticated": { ...platform, httpStatus: 401 },
  "endpoint.unreachable": { ...platform, ...passing },
  "group.not_found": { ...caller, ...missing },
  "http.body_too_large": { ...caller, httpStatus: 413 },
  "http.expectation": { ...caller, httpStatus: 417 },
  "http.headers_too_long": { ...caller, httpStatus: 431 },
  "http.malformed": caller,
  "http.no_such_path": { ...caller, ...missing },
  "http.too_slow": { ...caller, httpStatus: 408 },
  "http.unauthorized": { ...caller, httpStatus: 401 },
  "idempotency.conflict": { ...caller, ...conflict },
  "input.invalid": caller,
  "input.not_asked": { ...caller, ...conflict },
  "local.already_running": { ...platform, ...conflict },
  "local.no_state": { ...platform, ...missing },
  "local.not_permitted": { ...platform, ...denied },
  "local.not_running": { ...platform, ...missing },
  "local.port_in_use": { ...platform, ...conflict },
  "local.start_failed": platform,
  "local.state_unusable": platform,
  "local.state_unwritable": platform,
  "local.still_running": { ...platform, ...conflict },
  "platform.access_denied": { ...platform, ...denied, ...unsent },
  "platform.artifacts_unavailable": { ...platform, ...passing },
  "platform.conflict": { ...platform, ...passing, ...conflict, ...unsent },
  "platform.credentials": { ...platform, ...passing, ...unsent },
  "platform.environment_lost": platform,
  "platform.internal": { ...platform, retryable: true },
  "platform.invalid_request": { ...platform, ...unsent },
  "platform.newer_version": platform,
  "platform.not_found": { ...platform, ...missing, ...unsent },
  "platform.not_ready": { ...platform, ...passing, ...unsent },
  "platform.other": platform,
  "platform.quota_exceeded": { ...platform, ...passing, ...unsent },
  "platform.refused": { ...platform, ...unsent },
  "platform.runtime_not_found": { ...platform, ...passing, ...unsent },
  "platform.stood_still": { ...platform, ...passing, ...unsent },
  "platform.store_throttled": { ...platform, ...passing },
  "platform.store_unavailable": { ...platform, ...passing },
  "platform.stuck": { ...platform, retryable: true },
  "platform.task_unreadable": platform,
  "platform.throttled": { ...platform, ...passing, ...unsent },
  "platform.too_many_files": { ...platform, ...passing, ...unsent },
  "platform.unavailable": { ...platform, ...passing, ...unknown },
  "platform.unreachable": { ...platform, ...passing, ...unsent },
  "platform.workflow_denied": platform,
  "platform.workflow_missing": platform,
  "platform.workflow_unavailable": { ...platform, ...passing },
  "policy.denied": { ...caller, ...denied },
  "runtime_profile.not_found": { ...caller, ...missing },
  "session.closed": { ...platform, ...conflict, ...unsent },
  "task.agent_auth_required": task,
  "task.agent_cancelled": task,
  "task.agent_error": task,
  "task.agent_failed": task,
  "task.agent_needs_input": task,
  "task.agent_rejected": task,
  "task.ambiguous": caller,
  "task.auth": task,
  "task.budget": task,
  "task.child_failed": task,
  "task.command_not_executable": { ...task, exitCode: 126 },
  "task.command_not_found": { ...task, exitCode: 127 },
  "task.exit_code": task,
  "task.framework_missing": task,
  "task.framework_unknown": task,
  "task.input_timeout": { ...task, exitCode: 124 },
  "task.model_unavailable": task,
  "task.not_found": { ...caller, ...missing },
  "task.not_started": task,
  "task.other": task,
  "task.permission": task,
  "task.result_lost": task,
  "task.signal": task,
  "task.target_incomplete": task,
  "task.terminal": { ...task, ...conflict },
  "task.timeout": { ...task, exitCode: 124 },
  "task.transition_refused": { ...platform, ...conflict },
  "task.usage_limit": task,
  "task.workspace_not_found": task,
  "tree.limit": { ...caller, ...denied },
  "tree.loop": { ...caller, ...conflict },
  "worker.busy": { ...worker, ...conflict, ...answered },
  "worker.connection_lost": { ...worker, ...passing, ...unknown },
  "worker.contract_broken": { ...worker, retryable: true, ...answered },
  "worker.contract_unknown": { ...worker, ...answered },
  "worker.conversation_lost": worker,
  "worker.did_not_start": { ...worker, ...passing, ...unsent },
  "worker.exhausted": { ...worker, ...answered },
  "worker.failed": { ...worker, ...unknown },
  "worker.gone": { ...worker, ...passing, ...unsent },
  "worker.internal": { ...worker, httpStatus: 500, ...answered },
  "worker.lost": { ...worker, retryable: true, ...unknown },
  "worker.method_not_allowed": { ...worker, httpStatus: 405, ...answered },
  "worker.no_such_path": { ...worker, ...missing, ...answered },
  "worker.not_ready": worker,
  "worker.other": worker,
  "worker.outcome_unknown": { ...worker, ...passing, ...unknown },
  "worker.refused": { ...worker, ...answered },
  "worker.replaced": { ...worker, retryable: true, ...conflict, ...answered },
  "worker.start_failed": worker,
  "worker.stopped": { ...worker, retryable: true },
  "worker.storage": worker,
  "worker.task_running": { ...worker, ...conflict, ...answered },
  "worker.unavailable": { ...worker, ...passing, ...unknown },
  "worker.unknown_session": { ...worker, ...passing, ...unsent, httpStatus: 410 },
  "worker.unknown_task": { ...worker, ...missing, ...answered },
} as const satisfies Record<string, Facts>;

export type ErrorCode = keyof typeof errorCodes;
type CodeWith<Said> = { [Code in ErrorCode]: (typeof errorCodes)[Code] extends Said ? Code : never }[ErrorCode];
/** Codes of what the same call may overcome later, of what it will not, and of a call that may have reached a worker. */
export type RetryableCode = CodeWith<{ retryable: true }>;
export type RefusedCode = CodeWith<{ retryable: false }>;
export type DeliveredCode = CodeWith<{ delivered: "maybe" | "yes" }>;

/** What the table says of a code. */
export const factsOf = (code: ErrorCode): Facts => errorCodes[code];

export const isErrorCode = (code: string): code is ErrorCode => Object.hasOwn(errorCodes, code);

/** The code that stands in for one that another version knows and this does not: it says who failed, as far as its family tells. */
export function nearestCode(code: string): ErrorCode {
  if (isErrorCode(code)) return code;
  const family = `${code.split(".")[0]}.`;
  const sibling = Object.entries<Facts>(errorCodes).find(([known]) => known.startsWith(family));
  return `${sibling?.[1].who ?? "platform"}.other`;
}
