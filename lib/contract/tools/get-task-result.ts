import * as z from "zod";
import { statuses } from "../lifecycle.ts";
import { leftOutSchema, valueRefSchema } from "../task.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

const input = z.strictObject({
  task_id: field.taskId,
  artifacts_cursor: z.number().int().min(0).optional().describe("artifactsNextCursor of the reply before"),
});

const artifact = z.object({
  id: z.string(),
  taskId: z.string(),
  kind: z.string(),
  uri: z.string(),
  name: z.string().exactOptional(),
  contentType: z.string().exactOptional(),
  sizeBytes: z.number().exactOptional(),
  sha256: field.unlisted(z.string()),
  createdAt: z.string(),
});

const output = z.object({
  taskId: z.string(),
  status: z.enum(statuses),
  result: z.unknown().optional(),
  /** Where the whole result is, when `result` is a preview. */
  resultRef: valueRefSchema.exactOptional(),
  previews: z.array(z.string()).exactOptional(),
  artifacts: z.array(artifact),
  /** There when the list of files goes on. */
  artifactsNextCursor: z.int().exactOptional(),
  error: field.problem.exactOptional(),
  /** Files that the task left and that could not be kept, with the reason. */
  lostArtifacts: field.unlisted(z.array(z.object({ id: z.string(), name: z.string(), reason: z.string() }))),
  artifactsLeftOut: field.unlisted(leftOutSchema),
});
export type TaskResult = z.infer<typeof output>;

export const getTaskResult = { input, output } satisfies ToolSchemas;
