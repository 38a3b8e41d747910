import { taskIdSchema } from "../task-id.ts";

/** What a task has besides its record. */
export const taskParts = ["events", "logs", "result"] as const;
export type TaskPart = (typeof taskParts)[number];

/** The address of a task, or of a part of it, as a resource of the MCP endpoint. */
export const taskUri = (id: string, part?: TaskPart): string => `task://${id}${part ? `/${part}` : ""}`;

/** What such an address names, with the values that its query gives; undefined for one that is none. */
export function readTaskUri(
  uri: string,
): { id: string; part: TaskPart | undefined; query: Record<string, string> } | undefined {
  const [, id = "", name, search = ""] = /^task:\/\/([^/?#]*)(?:\/([^/?#]*))?(?:\?([^#]*))?$/.exec(uri) ?? [];
  const part = taskParts.find((one) => one === name);
  if (!taskIdSchema.safeParse(id).success || (name !== undefined && !part)) return undefined;
  return { id, part, query: Object.fromEntries(new URLSearchParams(search)) };
}
