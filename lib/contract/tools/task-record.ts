import * as z from "zod";
import { statuses } from "../lifecycle.ts";
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

/** Files that a job left beyond what is kept: how many, and the first of them. `limit` is how many are kept. */
export const leftOut = z.object({
  count: z.number(),
  limit: z.number(),
  files: z.array(z.object({ name: z.string(), reason: z.string() })),
});

/** A task as its owner may see it. Where a part was too long for the reply, `previews` names it. */
export const taskRecord = z.object({
  ...identity,
  capability: z.string(),
  target: field.object,
  input: field.object,
  providerRefs: z.record(z.string(), z.string()),
  result: z.unknown().optional(),
  error: field.problem.exactOptional(),

  cloudAgent: unlisted(field.object),
  inputRef: unlisted(field.valueRef),
  resultRef: unlisted(field.valueRef),
  owner: unlisted(z.string()),
  profile: unlisted(z.string()),
  goal: unlisted(z.string()),
  caller: unlisted(z.unknown()),
  metadata: unlisted(field.object),
  envNames: unlisted(z.array(z.string())),
  limits: unlisted(z.record(z.string(), z.number())),
  parent: unlisted(z.string()),
  depth: unlisted(z.number()),
  /** When each status was reached. */
  phases: unlisted(z.partialRecord(z.enum(statuses), time)),
  queuePosition: unlisted(z.number()),
  deadlineAt: unlisted(time),
  progress: unlisted(
    z.object({
      message: z.string().exactOptional(),
      sequence: z.number(),
      timestamp: time,
      payload: field.object.exactOptional(),
    }),
  ),
  usage: unlisted(field.object),
  inputRequests: unlisted(field.object),
  inputRequestsRef: unlisted(field.valueRef),
  /** Where new log text begins, in UTF-16 units. */
  logLength: unlisted(z.number()),
  logTruncated: unlisted(z.boolean()),
  artifactCount: unlisted(z.number()),
  artifactsLeftOut: unlisted(leftOut),
  shortened: unlisted(z.array(z.string())),
  previews: unlisted(z.array(z.string())),
});
export type TaskRecord = z.infer<typeof taskRecord>;

/** A task in a list: what it is, and how it stands. */
export const shortRecord = z.object({
  ...identity,
  profile: z.string().exactOptional(),
  summary: z.string().exactOptional(),
  goal: z.string().exactOptional(),
  error: z.object({ code: z.string() }).exactOptional(),
  parent: z.string().exactOptional(),
});
export type ShortRecord = z.infer<typeof shortRecord>;
