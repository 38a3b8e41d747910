import * as z from "zod";
import * as field from "../fields.ts";
import type { ToolSchemas } from "../schemas.ts";
import { dispatchResult } from "./dispatching.ts";
import { jobId } from "./fields.ts";

export const jobStatuses = ["pending", "running", "done", "failed", "cancelled"] as const;
export type JobStatus = (typeof jobStatuses)[number];
const status = z.enum(jobStatuses);

/** Seconds since 1970. */
const time = z.number();

/** A task, as a job. */
const job = z.object({
  id: z.string(),
  agent: z.string(),
  task: z.string(),
  caller: z.unknown().exactOptional(),
  goal: z.string().exactOptional(),
  status,
  created_at: time,
  started_at: time.exactOptional(),
  completed_at: time.exactOptional(),
  /** The last lines of what it said. */
  progress: z.array(z.string()).exactOptional(),
  progress_updated_at: field.unlisted(time),
  /** An agent's; of what is made of others, their answer. */
  result: z.unknown().exactOptional(),
  error: z.string().exactOptional(),
  /** It waits for an answer. */
  input_requests: z.record(z.string(), z.unknown()).exactOptional(),
  hint: z.string().exactOptional(),
  timed_out_waiting: z.literal(true).exactOptional(),
  previews: field.unlisted(z.array(z.string())),
});
export type Job = z.infer<typeof job>;

const summary = z.object({
  id: z.string(),
  agent: z.string(),
  status,
  task: z.string(),
  created_at: time,
  started_at: time.exactOptional(),
  completed_at: time.exactOptional(),
  success: z.boolean().exactOptional(),
  cost_usd: z.number().exactOptional(),
  outcome: z.string().exactOptional(),
  last_progress: z.string().exactOptional(),
  error_type: z.string().exactOptional(),
});
export type JobSummary = z.infer<typeof summary>;

export const dispatchStatus = { input: z.strictObject({ job_id: jobId }), output: job } satisfies ToolSchemas;

export const dispatchWait = {
  input: z.strictObject({
    job_id: jobId,
    timeout_seconds: z.number().optional().describe("Default 60"),
  }),
  output: job,
} satisfies ToolSchemas;

export const dispatchCancel = {
  input: z.strictObject({ job_id: jobId }),
  output: z.object({
    job_id: z.string(),
    outcome: z.enum(["cancelled", "cancelled_running", "running", "already_terminal"]),
    status,
    message: z.string().exactOptional(),
  }),
} satisfies ToolSchemas;

export const dispatchJobs = {
  input: z.strictObject({
    status: z
      .enum(["", ...jobStatuses])
      .optional()
      .describe(jobStatuses.join(", ")),
    limit: z
      .number()
      .int()
      .transform((limit) => Math.min(100, Math.max(1, limit)))
      .optional()
      .describe("Default 50, at most 100"),
    agent: z.string().max(100).optional(),
    cursor: field.line(2000).optional().describe("From the reply before"),
  }),
  /** With a cursor there are more. */
  output: z.object({ items: z.array(summary), cursor: z.string().exactOptional() }),
} satisfies ToolSchemas;

export const fetchResult = {
  input: z.strictObject({
    ref: jobId.describe("ref or job_id"),
    max_chars: z.number().int().min(0).optional().describe("0: as many as a reply holds"),
    offset: z.number().int().min(0).optional().describe("Where to go on: next_offset"),
  }),
  output: z.union([dispatchResult.extend({ next_offset: z.number().exactOptional() }), job]),
} satisfies ToolSchemas;
