import type { Job } from "../../../../contract/worker.ts";
import type { Call, JobEnd } from "../../../adapter.ts";

/** Besides its body, what an invocation may carry. */
export type InvokeOptions = { mcpProtocolVersion?: string | undefined };

/** What AgentCore answered an invocation with; `body` is the SDK's stream, to be read once. */
export type Reply = { body: unknown; contentType: string | undefined; statusCode: number };

/** A job, the way to the agent that is to do it, and who listens meanwhile. */
export type Exchange = Call & {
  job: Job;
  /** The tool of an MCP server that takes the job, when it is configured. */
  tool?: string | undefined;
  maxSeconds: number;
  /** Sends a body once. Throws what the SDK throws. */
  invoke(body: unknown, options?: InvokeOptions): Promise<Reply>;
};

/** Has an agent that does not know the worker contract do a job, once, in its own protocol. */
export type Protocol = (exchange: Exchange) => Promise<JobEnd>;

/** The instruction with what belongs to it, as an agent reads it. */
export const promptOf = ({ prompt, input }: Job): string => prompt ?? String(input.instruction ?? "");
