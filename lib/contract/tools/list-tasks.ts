import * as z from "zod";
import { statuses } from "../lifecycle.ts";
import * as field from "./fields.ts";
import type { ToolSchemas } from "./schemas.ts";
import { shortRecord } from "./task-record.ts";

const input = z.strictObject({
  status: z.enum(statuses).optional(),
  limit: z.number().int().min(1).max(100).optional().describe("Default 20"),
  cursor: field.line(2000).optional().describe("From the reply before"),
});

export const listTasks = {
  input,
  output: z.object({ items: z.array(shortRecord), cursor: z.string().exactOptional() }),
} satisfies ToolSchemas;
