import type { AgentService } from "../agents/service.ts";
import type { ToolName } from "../contract/tools/index.ts";
import type { TaskService, Waiting } from "../engine/service.ts";

/** A tool as a model sees it; what it takes and gives is said by the schemas of that name in the contract. */
type Said = {
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
};

/** A tool that acts on `Of`; called with arguments that nobody has looked at yet. */
type ToolOf<Of> = Said & { call(on: Of, given: Record<string, unknown>, waiting: Waiting): Promise<object> };
export type Tool = ToolOf<TaskService>;
/** For agents that live in folders of this machine. */
export type AgentTool = ToolOf<AgentService>;
/** As an endpoint serves it, to the owner that is named. */
export type ServedTool = ToolOf<string>;

/** The tool, where `of` has what it acts on. */
export const serve = <Of>({ call, ...said }: ToolOf<Of>, of: (owner: string) => Of): ServedTool => ({
  ...said,
  call: (owner, given, waiting) => call(of(owner), given, waiting),
});

export const reads: Said["annotations"] = {
  readOnlyHint: true,
  idempotentHint: true,
  destructiveHint: false,
  openWorldHint: false,
};
