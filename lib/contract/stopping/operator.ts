import * as z from "zod";
import { waitSeconds } from "../tools/fields.ts";
import { admissionActions } from "../tools/stopping.ts";
import { pauseSchema } from "./pause.ts";
import { estimateSchema, sessionsSchema, stopReportSchema } from "./report.ts";

const text = z.string();

/**
 * What an operator asks of a stack, as the event of its function for that: nothing but the credentials of whoever invokes the
 * function is a door to it.
 */
export const operatorRequest = z.discriminatedUnion("operation", [
  z.strictObject({ operation: z.literal("sessions") }),
  z.strictObject({
    operation: z.literal("stop_all"),
    /** Without it nothing is stopped, and the answer says what would be. */
    confirm: z.boolean().optional(),
    waitSeconds: waitSeconds.optional(),
    /** Whether the runtimes that tasks share are deleted as well, once nothing uses them. */
    runtimes: z.boolean().optional(),
  }),
  z.strictObject({ operation: z.literal("admission"), action: z.enum(admissionActions) }),
]);
export type OperatorRequest = z.input<typeof operatorRequest>;

/** A runtime that was made for tasks: what AgentCore has, and what is noted of it. */
const runtimeSchema = z.object({
  name: text,
  region: text,
  accountProfile: text,
  /** As AgentCore has it. */
  status: text,
  /** How many tasks use it. */
  users: z.number(),
  /** Whether a task, or a record of those that tasks share, knows it; the janitor deletes one that none knows. */
  known: z.boolean(),
});
export type OperatorRuntime = z.infer<typeof runtimeSchema>;

/** Runtimes, and the places that could not be asked for some. */
const runtimesSchema = z.object({
  items: z.array(runtimeSchema),
  unseen: z.array(z.object({ accountProfile: text, region: text, reason: text })),
});
export type OperatorRuntimes = z.infer<typeof runtimesSchema>;

/** A session that is kept ready for the next task of a profile, and bills meanwhile. */
const warmSchema = z.object({
  /** The profile, and which of its sessions. */
  id: text,
  profile: text,
  state: z.enum(["making", "ready", "ending"]),
  sessionId: text,
  since: text,
  ageSeconds: z.number(),
  estimatedCost: estimateSchema.exactOptional(),
  region: text.exactOptional(),
  runtime: text.exactOptional(),
});
export type OperatorWarm = z.infer<typeof warmSchema>;

/** What each operation answers. */
export const operatorAnswers = {
  sessions: sessionsSchema.extend({ warm: z.array(warmSchema), runtimes: runtimesSchema }),
  /** `warm` are those that would be ended. */
  stop_all: stopReportSchema.extend({
    warm: z.array(warmSchema).exactOptional(),
    runtimes: runtimesSchema.exactOptional(),
  }),
  admission: z.object({
    paused: z.array(pauseSchema),
    /** After a resume: owners whose waiting tasks could not be admitted at once; the janitor admits them. */
    left: z.number(),
  }),
} as const;
export type OperatorAnswer<Operation extends keyof typeof operatorAnswers> = z.infer<
  (typeof operatorAnswers)[Operation]
>;
