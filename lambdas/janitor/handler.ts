import { openObservation } from "../../lib/aws/observe/observe.ts";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { logLevelOf } from "../../lib/contract/logger.ts";
import { taskOfExecution } from "../../lib/engine/janitor/dead-execution.ts";
import { Sweeper } from "../../lib/engine/janitor/janitor.ts";
import { paceOf } from "../../lib/engine/janitor/pace.ts";
import { recoverDead, recoverDue } from "../../lib/engine/recovery.ts";
import { openPorts } from "../../lib/system/aws.ts";
import manifest from "../../package.json" with { type: "json" };

/** Longer than it takes to recover a task while requests have to be sent again. */
const RESERVE_MS = 20_000;
const LANES = 8;
/** Each asks AgentCore to delete something, of which it takes 50 a second from an account. */
const EXECUTIONS_PER_SECOND = 10;

const { log, observe, inRequest } = openObservation({
  level: logLevelOf(process.env[environmentVariables.logLevel]),
  version: manifest.version,
});
const ports = openPorts({ folder: import.meta.dirname, log, observe });
const sweeper = new Sweeper(ports);

type Context = { awsRequestId: string; getRemainingTimeInMillis(): number };

/**
 * Recovers or settles what a dead workflow left, and removes what is left on the platform, for as long as there is time: run by a
 * schedule, and, for one task, by the end of an execution that died.
 */
export const handler = (event: unknown, context: Context) =>
  inRequest(context.awsRequestId, () =>
    observe.during({ step: "janitor" }, async () => {
      const dead = taskOfExecution(event);
      if (dead) return { recovered: (await recoverDead(ports, dead.taskId, dead.executionNumber)) ? 1 : 0 };
      const mayGoOn = () => context.getRemainingTimeInMillis() > RESERVE_MS;
      const pace = paceOf({ perSecond: EXECUTIONS_PER_SECOND, mayGoOn, steady: ports.steady });
      const looked = await recoverDue(ports, { lanes: LANES, mayGoOn, pace });
      if (looked.left > 0) log.warn("not every task that is due could be recovered; the next run goes on", looked);
      else if (looked.recovered > 0) log.info("tasks were recovered", looked);
      const { runtimes, ...swept } = await sweeper.sweep(mayGoOn);
      if (runtimes.held + runtimes.deleting + runtimes.gone > 0)
        log.info("runtimes that no task needs any more were deleted", runtimes);
      return { ...looked, runtimes, ...swept };
    }),
  );
