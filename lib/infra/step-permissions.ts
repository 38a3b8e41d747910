import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { Deployment } from "./deployment.ts";

type Grant = (deployment: Deployment, step: IGrantable) => void;

/** What the step of each state does besides reading and writing tasks. */
const grants: Readonly<Record<string, Grant>> = {
  Provision({ runtimes }, step) {
    runtimes.grantCreate(step);
    runtimes.grantLearn(step);
    runtimes.grantStopSessions(step);
  },
  AwaitReady({ runtimes }, step) {
    runtimes.grantReadOwn(step);
    runtimes.grantReadEndpointsOfOwn(step);
    runtimes.grantReadLogsOfOwn(step);
  },
  Start({ runtimes, artifacts }, step) {
    artifacts.grantRead(step);
    runtimes.grantInvoke(step);
    runtimes.grantReadLogs(step);
  },
  SynchronousCall({ runtimes, artifacts }, step) {
    artifacts.grantReadWrite(step);
    runtimes.grantInvoke(step);
    runtimes.grantRunCommands(step);
    runtimes.grantStopSessions(step);
    runtimes.grantReadLogs(step);
  },
  Watch({ runtimes, artifacts }, step) {
    artifacts.grantReadWrite(step);
    runtimes.grantInvoke(step);
  },
  Complete({ runtimes, artifacts }, step) {
    artifacts.grantReadWrite(step);
    runtimes.grantInvoke(step);
  },
  /** Whether a job goes on after all is for Watch to ask. */
  Fail() {},
  Cleanup({ runtimes, workflow }, step) {
    runtimes.grantReadOwn(step);
    runtimes.grantStopSessions(step);
    runtimes.grantDelete(step);
    workflow.grantStart(step);
  },
};

/** Gives the step of a state what it needs. Throws an Error for a state of which that is not known. */
export function grantStep(state: string, deployment: Deployment, step: IGrantable): void {
  const grant = Object.hasOwn(grants, state) ? grants[state] : undefined;
  if (!grant) throw new Error(`step-permissions.ts does not say what the step of the state ${state} may do`);
  grant(deployment, step);
}
