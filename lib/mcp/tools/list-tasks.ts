import * as z from "zod";
import { statuses } from "../../contract/lifecycle.ts";
import { shortRecord } from "../../engine/record.ts";
import * as field from "./fields.ts";
import { reads, shape, tool } from "./tool.ts";

const input = z.strictObject({
  status: z.enum(statuses).optional(),
  limit: z.number().int().min(1).max(100).optional().describe("Default 20"),
  cursor: field.line(2000).optional().describe("From the reply before"),
});

/** The caller's tasks, newest first. */
export const listTasks = tool({
  name: "list_tasks",
  title: "List tasks",
  description:
    "Lists your tasks, newest first, in short form; also those of earlier conversations. cursor is there when there are more.",
  input,
  output: shape({ items: "array", cursor: "string" }),
  annotations: reads,
  run: async ({ ports, owner }, { status, limit = 20, cursor }) => {
    const page = await ports.store.list(owner, {
      limit,
      ...(status && { status }),
      ...(cursor !== undefined && { cursor }),
    });
    const items = page.items.filter((task) => task.owner === owner).map(shortRecord);
    return { structured: { items, ...(page.cursor !== undefined && { cursor: page.cursor }) } };
  },
});
