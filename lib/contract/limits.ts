/** Longest time a task may ask for, in seconds: the machine it runs on ends at eight hours. */
export const MAX_TIMEOUT_SECONDS = 27_000;

/** Longest time, in seconds, that a job may be given to end in peace. */
export const MAX_GRACE_SECONDS = 300;
/** Time that a command has when it asks for none, in seconds. */
export const DEFAULT_COMMAND_SECONDS = 900;
/** Longest time for which a worker may wait for news before it answers a poll, in seconds. */
export const MAX_POLL_WAIT_SECONDS = 10;
/** Events in the answer to a poll, in bytes, unless the poll asks for less. */
export const POLL_BYTES = 1024 * 1024;
/** Longest answer of a worker or of a contract-less runtime that is read, in bytes. */
export const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/**
 * Longest life of a worker's machine, in seconds; more than AgentCore gives none.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-lifecycle-settings.html
 */
export const MAX_LIFETIME_SECONDS = 28_800;
/** Time without a request after which a worker's machine ends, in seconds. */
export const IDLE_SECONDS = 900;

/** Log in one reply, in characters, at most. */
export const MAX_LOG_REPLY_LENGTH = 64_000;

/** Longest request at the MCP endpoint, in bytes. */
export const MAX_CALL_BYTES = 4 * 1024 * 1024;
