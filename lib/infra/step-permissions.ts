import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { BackendUse } from "./backend-grants.ts";
import type { Deployment } from "./deployment.ts";

type Needs = {
  artifacts?: "read" | "readWrite";
  backends: readonly BackendUse[];
  /** Whether it lets other tasks begin. */
  starts?: true;
};

/** What the step of each state does besides reading and writing tasks. */
const needs: Readonly<Record<string, Needs>> = {
  Provision: { backends: ["provision", "stop"] },
  AwaitReady: { backends: ["awaitReady"] },
  Start: { artifacts: "read", backends: ["hello"] },
  SynchronousCall: { artifacts: "readWrite", backends: ["call", "stop"] },
  Watch: { artifacts: "readWrite", backends: ["invoke"] },
  Complete: { artifacts: "readWrite", backends: ["invoke"] },
  // Whether a job goes on after all is for Watch to ask.
  Fail: { backends: [] },
  // What is made of other tasks goes on as one of these ends: its input and its answer may be kept there.
  Cleanup: { artifacts: "readWrite", backends: ["stop", "deleteRuntime"], starts: true },
};

/** Gives the step of a state what it needs. Throws an Error for a state of which that is not known. */
export function grantStep(state: string, { artifacts, backends, workflow }: Deployment, step: IGrantable): void {
  const needed = Object.hasOwn(needs, state) ? needs[state] : undefined;
  if (!needed) throw new Error(`step-permissions.ts does not say what the step of the state ${state} may do`);
  if (needed.artifacts === "read") artifacts.grantRead(step);
  if (needed.artifacts === "readWrite") artifacts.grantReadWrite(step);
  for (const use of needed.backends) for (const backend of backends) backend.grant(use, step);
  if (needed.starts) workflow.grantStart(step);
}
