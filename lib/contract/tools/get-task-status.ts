import * as z from "zod";
import { taskEventSchema } from "../events.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";
import { shortRecord, taskRecord } from "./task-record.ts";

const input = z.strictObject({
  task_id: field.taskId,
  events_after: z.number().int().min(0).optional().describe("Adds the events with a greater sequence, at most 200"),
});

export const getTaskStatus = {
  input,
  output: taskRecord.extend({ events: z.array(taskEventSchema).exactOptional(), eventsNext: z.int().exactOptional() }),
} satisfies ToolSchemas;

/** What a limit allows, what of it is used, and what is left: of a budget not what is set aside for tasks that run. */
const use = z.object({ value: z.number(), used: z.number(), left: z.number() });

/** How a whole tree stands: `maxChildren` is that of the task of it which has least left. */
const standing = z.object({
  tasks: z.number(),
  running: z.number(),
  depth: z.number(),
  spentUsd: z.number(),
  /** When its time is over. */
  endsAt: z.string(),
  limits: z.object({
    maxDepth: use,
    maxChildren: use,
    maxTreeTasks: use,
    treeBudgetUsd: use,
    treeTimeoutSeconds: use,
  }),
});
export type Standing = z.infer<typeof standing>;

/** `children` is how many it has dispatched, and `costUsd` what it has cost as far as that is known. */
const member = shortRecord.extend({
  depth: z.number(),
  /** Its place among those that its parent is made of. */
  position: z.number().exactOptional(),
  children: z.number(),
  costUsd: z.number(),
});
export type Member = z.infer<typeof member>;

export const getTaskTree = {
  input: z.strictObject({ task_id: field.taskId, cursor: field.taskId.optional().describe("From the reply before") }),
  output: z.object({
    /** The task that it all began with. */
    root: z.string(),
    /** Those above before those below, within a page; what the store has forgotten is only counted. */
    items: z.array(member),
    cursor: z.string().exactOptional(),
    /** On the first page, where a system runs whose configuration has the limits. */
    standing: standing.exactOptional(),
  }),
} satisfies ToolSchemas;
