import { environmentVariables } from "../../../lib/contract/execution-environment.ts";
import { fixture } from "../start-worker.ts";

/** The environment of a worker whose messages go to the agent that does what its instruction says. */
export const scripted = {
  [environmentVariables.workerFramework]: "scripted",
  [`${environmentVariables.frameworkCommandPrefix}SCRIPTED`]: `${process.execPath} ${fixture("scripted-agent.mjs")}`,
};
