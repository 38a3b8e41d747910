import type {
  CallToolResult,
  InputRequiredResult,
  ServerContext,
  Tool as ToolInList,
} from "@modelcontextprotocol/server";
import type { Agents } from "../agents/service.ts";
import type { Toolset } from "../contract/kinds.ts";
import type { ToolName } from "../contract/tools/index.ts";
import type { TaskService, Waiting } from "../engine/service.ts";
import type { Scope } from "./feature.ts";

/** A tool as a model sees it; what it takes and gives is said by the schemas of that name in the contract. */
export type Said = {
  name: ToolName;
  title: string;
  description: string;
  annotations: {
    readOnlyHint: boolean;
    idempotentHint: boolean;
    destructiveHint: boolean;
    openWorldHint: boolean;
  };
  /** Words that it is looked for by, where a client reads such. */
  searchHint?: string;
  /** Listed in that toolset and in `all` only; it can be called in any. */
  toolset?: Exclude<Toolset, "core">;
  /** Errors are said in one level, the message as `error`. */
  flatErrors?: true;
  /** What it tells meanwhile goes out as messages of a log to whoever asks for no progress. */
  logs?: true;
  /** The agent of a task may call it too, for what is below that task. */
  forJobs?: true;
  /** Whether the text block holds the bare list of items. */
  isList?: boolean;
} & Notifies;

/** Whether it tells of its work before it answers: to whoever asks for progress, or in any case. */
type Notifies = { notifies?: "progress" | "always" };

type Work<Of> = (on: Of, given: Record<string, unknown>, waiting: Waiting) => Promise<object>;

/** A tool that acts on `Of`; called with arguments that nobody has looked at yet. */
export type ToolOf<Of> = Said & { call: Work<Of> };
export type Tool = ToolOf<TaskService> & {
  /** What it does for a client that takes a task of MCP: the answer names the task, and nothing is waited for. */
  asTask?: Work<TaskService>;
};
/** For agents: those that live in folders of this machine, or those of a deployment. */
export type AgentTool = ToolOf<Agents>;

/** A tool as an endpoint serves it. */
export type ServedTool = Notifies & {
  name: string;
  /** Whether a call of it may, or must, be answered with a task of MCP where the client takes one. */
  taskSupport?: "optional" | "required";
  toolset?: Exclude<Toolset, "core">;
  /** It can be called by its name, and no list has it. */
  isHidden?: boolean;
  forJobs?: true;
  /** As it stands in the list. */
  listed(): ToolInList;
  call(scope: Scope, context: ServerContext): Promise<CallToolResult | InputRequiredResult>;
};

export const reads: Said["annotations"] = {
  readOnlyHint: true,
  idempotentHint: true,
  destructiveHint: false,
  openWorldHint: false,
};
