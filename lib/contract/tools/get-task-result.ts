import * as z from "zod";
import { statuses } from "../lifecycle.ts";
import { leftOutSchema, valueRefSchema } from "../task.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

/** Most characters of text that may be asked for; a reply may hold fewer. */
const MAX_TEXT_LENGTH = 64_000;

const input = z.strictObject({
  task_id: field.taskId,
  offset: z.number().int().min(0).optional().describe("Reads text from that character on: 0, then nextOffset"),
  max_chars: z.number().int().min(1).max(MAX_TEXT_LENGTH).optional().describe("Most characters of text"),
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
  /** The same as a resource of this endpoint. */
  resource: field.unlisted(z.string()),
  /**
   * A page of the result: of an agent's answer its `output`, of others a text as it is or their JSON. `offset` and
   * `textLength` count UTF-16 units; `nextOffset` is there when the text goes on.
   */
  text: z.string().exactOptional(),
  offset: field.unlisted(z.int()),
  nextOffset: z.int().exactOptional(),
  textLength: field.unlisted(z.int()),
  /** The JSON value that the dispatch asked for, or why there is none. */
  parsedResult: z.unknown().optional(),
  parseError: field.unlisted(z.string()),
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
