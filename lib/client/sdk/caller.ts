import type { ToolArguments, ToolName, ToolResult } from "../../contract/tools/index.ts";
import type { Progress } from "../http/call-tool.ts";

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

/** What a client is made of: what calls tools for it, and whether the files that it names are of this machine. */
export interface Connection extends ToolCaller {
  readonly isLocal: boolean;
  /** Ends every call under way. */
  close(): Promise<void>;
}
