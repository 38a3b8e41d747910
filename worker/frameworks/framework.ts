import type { AgentInput, StartOperation } from "../../lib/contract/worker.ts";
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
};

/** Runs an agent until it has its answer. */
export type Framework = (task: AgentTask, job: JobContext) => Promise<Outcome>;
