import type { Task } from "../../../contract/task.ts";
import type { Job } from "../../../contract/worker.ts";
import type { Call } from "../../adapter.ts";
import type { Clients } from "../account/clients.ts";
import type { RuntimeRef } from "../resources.ts";

/** A call of a task, and what it is made with. */
export type ContractLessCall = Call & {
  clients: Clients;
  task: Task;
  runtime: RuntimeRef;
  job: Job;
  maxSeconds: number;
  /** Whether a failure says that the runtime does not take invocations yet. */
  isTooEarly: (error: unknown) => boolean;
};
