import * as z from "zod";
import { areQuotesClosed } from "./command-line.ts";
import { jobTypes, protocols, unansweredEnds } from "./kinds.ts";
import { MAX_GRACE_SECONDS, MAX_POLL_WAIT_SECONDS, MAX_TIMEOUT_SECONDS, POLL_BYTES } from "./limits.ts";
import { traceparentPattern } from "./observation/trace.ts";
import { problemSchema } from "./said-problem.ts";
import { conversationIdSchema, taskIdSchema } from "./task-id.ts";

/**
 * The worker contract: what a control plane and a worker say to each other over `POST /invocations`.
 * A refusal is a reply too (`{error}` with HTTP 200), because the platform between them hides bodies of 4xx and 5xx.
 */
export const CONTRACT = "agentdispatch/1";
/** The protocols that our worker speaks: the one it is told to, beside this contract. */
export const workerProtocols = protocols;

/** A worker numbers its events from here; 1-99 are the control plane's before the start. */
export const FIRST_WORKER_SEQUENCE = 100;
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;
export const MAX_EVENT_BYTES = 64 * 1024;
/** Text of one `task.log` event, in bytes of UTF-8. */
export const MAX_LOG_CHUNK_BYTES = 16 * 1024;
/** What is kept of a framework's session for the next turn of its conversation, before it is compressed. */
export const MAX_STATE_BYTES = 64 * 1024 * 1024;
/** Log text kept for a task, in bytes of UTF-8; the whole of a longer output becomes an artifact. */
export const MAX_LOG_BYTES = 16 * 1024 * 1024;
/** A result with longer JSON is kept as an artifact, `result.json` or `result.txt`, with a preview in its place. */
export const MAX_RESULT_BYTES = 2 * 1024 * 1024;
/** Files that are kept for a task. */
export const MAX_ARTIFACTS = 1000;
/** Seconds for which a worker reports HealthyBusy after the end of a task that nobody collects. */
export const MAX_UNCOLLECTED_SECONDS = 3600;

const jsonObject = z.record(z.string(), z.unknown());
const sequence = z.number().int().nonnegative();

/** Names that variables in the environment of a job may have. */
export const environmentNamePattern = /^[A-Za-z_][A-Za-z0-9_]{0,99}$/;

const text = z.string().max(65_536);
/** An MCP server that an agent gets: a program, or an address. */
export const mcpServerSchema = z.union([
  z.strictObject({
    command: z.string().min(1).max(4096),
    args: z.array(z.string().max(4096)).max(100).optional(),
    env: z.record(z.string().regex(environmentNamePattern), text).optional(),
  }),
  z.strictObject({ url: z.url(), headers: z.record(z.string().min(1).max(200), text).optional() }),
]);
/** The name that the one has by which an agent dispatches. */
export const DISPATCHING = "agent-dispatch";
export type McpServer = z.infer<typeof mcpServerSchema>;

/** How an agent reaches the system that it is of: by that server, or by an endpoint, with the bridge that its worker brings. */
const dispatchingSchema = z.union([mcpServerSchema, z.strictObject({ endpoint: z.url(), token: z.string().min(1) })]);
export type Dispatching = z.infer<typeof dispatchingSchema>;

export const workerEventTypes = [
  "task.progress",
  "task.log",
  "task.heartbeat",
  "task.input_required",
  "agent.message",
  "agent.tool_call",
  "agent.tool_result",
  "agent.usage",
] as const;

/**
 * One numbered fact. `agent.message` has its text in `message`; `agent.tool_call` `{id, name, input}` and
 * `agent.tool_result` `{id, name?, isError, output}` have previews in `payload`; `agent.usage` has what was consumed so
 * far, as `usageSchema`. A `task.log` event has its text in `message` and `{stream: "stdout" | "stderr"}` in `payload`,
 * with `truncated: true` where the worker holds back the rest of the log.
 */
export const workerEventSchema = z.object({
  sequence: sequence.min(FIRST_WORKER_SEQUENCE),
  type: z.enum(workerEventTypes),
  timestamp: z.iso.datetime(),
  message: z.string().optional(),
  payload: jsonObject.optional(),
});
export type WorkerEvent = z.infer<typeof workerEventSchema>;

const workerLimitsSchema = z.object({
  timeoutSeconds: z.number().positive().max(MAX_TIMEOUT_SECONDS),
  graceSeconds: z.number().nonnegative().max(MAX_GRACE_SECONDS),
  /** For an agent: what its models may cost, and how many tokens they may take, input and output together. */
  maxBudgetUsd: z.number().positive().optional(),
  maxTokens: z.number().int().positive().optional(),
  /** For how long a question of the job waits, and what then: the job fails, or a default stands. */
  answerSeconds: z.number().positive().optional(),
  unanswered: z.enum(unansweredEnds).optional(),
});

/** What a framework calls the session that a turn of a conversation leaves to the next. */
const frameworkSessionSchema = z.object({ framework: z.string(), id: z.string().max(200) });
export type FrameworkSession = z.infer<typeof frameworkSessionSchema>;

/** The conversation that a task goes on with: the session of its last turn, and where the files of that are. */
const conversationSchema = z.object({
  id: conversationIdSchema,
  /** Absent in the first turn, and where the last one left none. */
  session: frameworkSessionSchema.optional(),
  /** One file with all that the framework needs of the last turn, where another machine may have to go on with it. */
  state: z
    .object({
      url: z.url(),
      headers: z.record(z.string(), z.string()),
      sizeBytes: z.number().int().nonnegative(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    })
    .optional(),
});

const operation = <Op extends string>(op: Op) => z.object({ contract: z.literal(CONTRACT), op: z.literal(op) });

export type JobConversation = z.infer<typeof conversationSchema>;

const helloSchema = operation("hello");
export const startSchema = operation("start").extend({
  bootId: z.string(),
  taskId: taskIdSchema,
  taskType: z.enum(jobTypes),
  prompt: z.string().optional(),
  input: jsonObject,
  context: jsonObject.optional(),
  metadata: jsonObject.optional(),
  /** The caller's, for the job alone. */
  env: z.record(z.string(), z.string()).optional(),
  /** What the configuration gives to whatever runs in the session, where the worker itself was not started with it. */
  given: z.record(z.string(), z.string()).optional(),
  limits: workerLimitsSchema,
  depth: z.number().int().nonnegative(),
  /** Whether the workspace is a folder that its owner registered as an agent's: only then may it steer the agent. */
  trusted: z.boolean().optional(),
  conversation: conversationSchema.optional(),
  /** By what its agent dispatches tasks of its own; it holds a secret that is good for this task alone. */
  dispatching: dispatchingSchema.optional(),
  /** The trace that the task belongs to; a worker passes over what is none. */
  traceparent: z.string().regex(traceparentPattern).optional().catch(undefined),
});
export const pollSchema = operation("poll").extend({
  bootId: z.string(),
  taskId: taskIdSchema,
  after: sequence,
  waitSeconds: z.number().min(0).max(MAX_POLL_WAIT_SECONDS).default(0),
  maxBytes: z.number().int().positive().max(MAX_REQUEST_BYTES).default(POLL_BYTES),
});
export const uploadSchema = operation("upload").extend({
  bootId: z.string(),
  taskId: taskIdSchema,
  targets: z
    .array(z.object({ id: z.string(), url: z.url(), headers: z.record(z.string(), z.string()) }))
    .max(MAX_ARTIFACTS),
});
export const inputSchema = operation("input").extend({
  bootId: z.string(),
  taskId: taskIdSchema,
  /** By the keys of the questions; one that was taken before is taken again, and changes nothing. */
  inputResponses: jsonObject,
});
/** Says something to the agent of a task; the same id again says nothing twice. */
export const saySchema = operation("say").extend({
  bootId: z.string(),
  taskId: taskIdSchema,
  id: z.string().min(1).max(100),
  text: z.string().min(1).max(65_536),
});
export const cancelSchema = operation("cancel").extend({
  bootId: z.string(),
  taskId: taskIdSchema,
  graceSeconds: z.number().nonnegative().max(MAX_GRACE_SECONDS),
});

export const operationSchema = z.discriminatedUnion("op", [
  helloSchema,
  startSchema,
  pollSchema,
  uploadSchema,
  inputSchema,
  saySchema,
  cancelSchema,
]);
export type Operation = z.infer<typeof operationSchema>;
export type StartOperation = z.infer<typeof startSchema>;
/** What a worker is to do, whoever it is. */
export type Job = Omit<StartOperation, "contract" | "op" | "bootId">;

/** A body without `contract`: the task is run and answered when done, without events that outlive the answer. */
export const plainEnvelopeSchema = z.object({
  taskType: z.enum(jobTypes).default("agent.run"),
  input: jsonObject.default({}),
  metadata: jsonObject.optional(),
  prompt: z.string().optional(),
  context: jsonObject.optional(),
});
export type PlainEnvelope = z.infer<typeof plainEnvelopeSchema>;

export const helloReplySchema = z.object({
  contract: z.literal(CONTRACT),
  bootId: z.string().min(1).max(200),
  version: z.string(),
  protocols: z.array(z.string()),
  frameworks: z.array(z.string()),
});

export const startReplySchema = z.object({ accepted: z.literal(true), taskId: taskIdSchema, status: z.string() });

/** What a task left behind in its artifacts folder; `name` is its path below that folder, with `/`. */
export const workerArtifactSchema = z.object({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/),
  name: z.string().min(1).max(500),
  sizeBytes: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  contentType: z.string().max(200),
  /** What is kept for the next turn of a conversation, and shown to nobody. */
  private: z.literal(true).optional(),
});
export type WorkerArtifact = z.infer<typeof workerArtifactSchema>;

/** Files of a job that are not among the artifacts: how many, the first of them, and how many are listed at most. */
const leftOutSchema = z.object({
  count: z.number().int().nonnegative(),
  limit: z.number().int().nonnegative(),
  files: z.array(z.object({ name: z.string(), reason: z.string() })).max(100),
});

/** What the job consumed. Anything else that a framework reports is left out. */
export const usageSchema = z.object({
  inputTokens: z.number().nonnegative().optional(),
  outputTokens: z.number().nonnegative().optional(),
  /** Of the input tokens, those that were read from a cache. */
  cachedTokens: z.number().nonnegative().optional(),
  costUsd: z.number().nonnegative().optional(),
  turns: z.number().int().nonnegative().optional(),
  model: z.string().max(200).optional(),
});

export const workerStatuses = ["running", "input_required", "succeeded", "failed", "cancelled"] as const;

/**
 * `artifacts` is there once the task has ended: it is the whole list, with a private one at most, and does not change
 * any more. `elapsedSeconds` is how long the job has run by the clock that its deadline goes by, which stands while the
 * machine sleeps.
 */
export const pollReplySchema = z.object({
  status: z.enum(workerStatuses),
  events: z.array(workerEventSchema),
  next: sequence,
  elapsedSeconds: z.number().nonnegative().optional(),
  result: z.unknown().optional(),
  error: problemSchema.optional(),
  usage: usageSchema.optional(),
  inputRequests: jsonObject.optional(),
  /** The framework's session that the next turn of the conversation goes on with, as soon as it is known. */
  session: frameworkSessionSchema.optional(),
  artifacts: z
    .array(workerArtifactSchema)
    .max(MAX_ARTIFACTS + 1)
    .optional(),
  artifactsLeftOut: leftOutSchema.optional(),
});
export type PollReply = z.infer<typeof pollReplySchema>;

/** Answers within ten seconds; `pending` ones are still being sent, and to ask for them again starts nothing twice. */
export const uploadReplySchema = z.object({
  artifacts: z.array(
    z.object({ id: z.string(), state: z.enum(["pending", "stored", "lost"]), reason: z.string().max(2000).optional() }),
  ),
});
export type UploadReply = z.infer<typeof uploadReplySchema>;

/** When the agent hears it: while it works on its turn, or in another turn after that. */
export const sayReplySchema = z.object({ heard: z.enum(["now", "next_turn"]) });
export const acceptedReplySchema = z.object({ accepted: z.boolean(), status: z.enum(workerStatuses) });
export const refusalReplySchema = z.object({ error: problemSchema });

/** What `command.run` takes. The words of `command` are split as a shell does it; no shell runs unless asked for. */
export const commandInputSchema = z
  .strictObject({
    command: z.string().min(1).max(65_536),
    args: z.array(z.string().max(131_072)).max(1000).optional(),
    cwd: z.string().max(4096).optional(),
    env: z.record(z.string().regex(environmentNamePattern), z.string().max(32_768)).optional(),
    stdin: z.string().max(1_000_000).optional(),
    shell: z.boolean().optional(),
    timeoutSeconds: z.number().positive().max(MAX_TIMEOUT_SECONDS).optional(),
  })
  .refine(({ command, shell }) => shell || areQuotesClosed(command), {
    path: ["command"],
    message: "a quote or a backslash is not closed",
  });
export type CommandInput = z.infer<typeof commandInputSchema>;

/** How a command ended, as data: the same shape whichever way it ended. `exitCode` is null when a signal ended it. */
export type CommandResult = {
  exitCode: number | null;
  signal?: string;
  timedOut: boolean;
  cancelled?: boolean;
  durationMs: number;
  stdoutBytes: number;
  stderrBytes: number;
};

/** What `agent.run` takes. */
export const agentInputSchema = z.strictObject({
  instruction: z.string().min(1),
  context: jsonObject.optional(),
  framework: z.string().max(100).optional(),
  model: z.union([z.string().max(500), jsonObject]).optional(),
  runtime_tools: jsonObject.optional(),
  protocol: z.string().max(20).optional(),
  timeoutSeconds: z.number().positive().max(MAX_TIMEOUT_SECONDS).optional(),
});

/** The answer has to be one JSON value, of that JSON Schema if there is one. */
export const responseFormatSchema = z.object({ schema: jsonObject.exactOptional() });
export type ResponseFormat = z.infer<typeof responseFormatSchema>;

/** The same as a worker is handed it, with what the dispatch asked for besides. */
export const agentJobSchema = agentInputSchema.extend({ response_format: responseFormatSchema.optional() });
export type AgentInput = z.infer<typeof agentJobSchema>;

/** For how long failures that speak for a lost job may be trouble of the platform, in milliseconds. */
export const LASTING_MS = 60_000;
