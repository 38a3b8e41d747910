import * as z from "zod";
import { pauseSchema } from "../stopping/pause.ts";
import { sessionsSchema, stopReportSchema } from "../stopping/report.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";

export const listSessions = { input: z.strictObject({}), output: sessionsSchema } satisfies ToolSchemas;

export const stopAll = {
  input: z.strictObject({
    confirm: z.boolean().optional().describe("true stops it; without it the answer says what would be stopped"),
    wait_seconds: field.waitSeconds.optional().describe("How long to wait until it is over: default 25, at most 45"),
  }),
  output: stopReportSchema,
} satisfies ToolSchemas;

/** What may be done about admission. */
export const admissionActions = ["status", "pause", "resume"] as const;

export const setAdmission = {
  input: z.strictObject({ action: z.enum(admissionActions).optional().describe("Default status") }),
  output: z.object({
    paused: z.array(pauseSchema),
    queued: z.number(),
    hint: z.string().exactOptional(),
  }),
} satisfies ToolSchemas;
