import type { AgentInput, ResponseFormat, StartOperation } from "../../lib/contract/worker.ts";
import type { JobContext, Outcome } from "../runner.ts";

/** What an agent framework is given. A command-backed one reads exactly this, as JSON. */
export type AgentTask = Pick<
  StartOperation,
  "taskId" | "taskType" | "context" | "metadata" | "limits" | "depth" | "trusted"
> & {
  /** The whole prompt, in sections; `input.instruction` is the bare instruction. */
  prompt: string;
  input: AgentInput;
  framework: string;
  model?: AgentInput["model"];
  runtimeTools?: Record<string, unknown>;
  /** The answer has to be JSON; the prompt says so too, and whoever asked reads it. */
  responseFormat?: ResponseFormat;
};

/** Runs an agent until it has its answer. */
export type Framework = (task: AgentTask, job: JobContext) => Promise<Outcome>;
