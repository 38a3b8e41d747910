import type { ToolArguments, ToolName, ToolResult } from "../../contract/tools/index.ts";

/** How far a call is, as the endpoint tells it while it works. */
export type Progress = { progress: number; total?: number | undefined; message?: string | undefined };

export type CallOptions = {
  /** Aborting it gives the call up, which then rejects with an AbortError. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: Progress) => void) | undefined;
};

/** What can call the tools of an endpoint. */
export interface ToolCaller {
  /** Throws the DispatchError that the endpoint answered with or that kept it from answering, or an AbortError. */
  call<Name extends ToolName>(tool: Name, args: ToolArguments<Name>, options?: CallOptions): Promise<ToolResult<Name>>;
}
