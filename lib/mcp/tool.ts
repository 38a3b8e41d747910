import type { ToolName } from "../contract/tools/index.ts";
import type { TaskService, Waiting } from "../engine/service.ts";

/** A tool as a model sees it; what it takes and gives is said by the schemas of that name in the contract. */
export type Tool = {
  name: ToolName;
  title: string;
  description: string;
  annotations: {
    readOnlyHint: boolean;
    idempotentHint: boolean;
    destructiveHint: boolean;
    openWorldHint: boolean;
  };
  /** Whether the text block holds the bare list of items. */
  isList?: boolean;
  /** Called with arguments that nobody has looked at yet. */
  call(tasks: TaskService, given: Record<string, unknown>, waiting: Waiting): Promise<object>;
};

export const reads: Tool["annotations"] = {
  readOnlyHint: true,
  idempotentHint: true,
  destructiveHint: false,
  openWorldHint: false,
};
