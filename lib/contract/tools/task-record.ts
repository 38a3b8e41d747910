import * as z from "zod";
import { statuses } from "../lifecycle.ts";
import { pauseSchema } from "../stopping/pause.ts";
import { leftOutSchema, limitsSchema, progressSchema, valueRefSchema } from "../task.ts";
import * as field from "./fields.ts";

const { unlisted } = field;
const time = z.string();
const identity = {
  id: z.string(),
  status: z.enum(statuses),
  provider: z.string(),
  accountProfile: z.string(),
  taskType: z.string(),
  backend: z.string(),
  createdAt: time,
  updatedAt: time,
};

/** A task as its owner may see it. Where a part was too long for the reply, `previews` names it. */
export const taskRecord = z.object({
  ...identity,
  capability: z.string(),
  target: field.object,
  input: field.object,
  providerRefs: z.record(z.string(), z.string()),
  result: z.unknown().optional(),
  error: field.problem.exactOptional(),

  conversation: unlisted(z.string()),
  cloudAgent: unlisted(field.object),
  inputRef: unlisted(valueRefSchema),
  resultRef: unlisted(valueRefSchema),
  owner: unlisted(z.string()),
  profile: unlisted(z.string()),
  framework: unlisted(z.string()),
  goal: unlisted(z.string()),
  caller: unlisted(z.unknown()),
  metadata: unlisted(field.object),
  trusted: unlisted(z.literal(true)),
  envNames: unlisted(z.array(z.string())),
  limits: unlisted(limitsSchema),
  parent: unlisted(z.string()),
  depth: unlisted(z.number()),
  /** When each status was reached. */
  phases: unlisted(z.partialRecord(z.enum(statuses), time)),
  queuePosition: unlisted(z.number()),
  /** While it waits: who has paused admission, so that it does not begin. */
  admissionPausedBy: unlisted(z.array(pauseSchema.shape.by)),
  deadlineAt: unlisted(time),
  progress: unlisted(progressSchema),
  usage: unlisted(field.object),
  inputRequests: unlisted(field.object),
  /** Where new log text begins, in UTF-16 units. */
  logLength: unlisted(z.number()),
  logTruncated: unlisted(z.boolean()),
  artifactCount: unlisted(z.number()),
  artifactsLeftOut: unlisted(leftOutSchema),
  shortened: unlisted(z.array(z.string())),
  previews: unlisted(z.array(z.string())),
  /** Where the whole result is read, when `result` is a preview. */
  resource: unlisted(z.string()),
  summaryChars: unlisted(z.number()),
  responseFormat: unlisted(field.object),
  parsedResult: unlisted(z.unknown()),
  parseError: unlisted(z.string()),
});
export type TaskRecord = z.infer<typeof taskRecord>;

/** A task in a list: what it is, and how it stands. */
export const shortRecord = z.object({
  ...identity,
  profile: z.string().exactOptional(),
  framework: z.string().exactOptional(),
  summary: z.string().exactOptional(),
  goal: z.string().exactOptional(),
  error: z.object({ code: z.string() }).exactOptional(),
  parent: z.string().exactOptional(),
  conversation: unlisted(z.string()),
});
export type ShortRecord = z.infer<typeof shortRecord>;
