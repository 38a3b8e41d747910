import { functionLogger } from "../../lib/aws/logger.ts";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { logLevelOf } from "../../lib/contract/logger.ts";
import { recoverDue } from "../../lib/engine/recovery.ts";
import { openPorts } from "../../lib/system/aws.ts";
import manifest from "../../package.json" with { type: "json" };

/** Longer than it takes to recover a task while requests have to be sent again. */
const RESERVE_MS = 20_000;
const LANES = 8;

const log = functionLogger({
  level: logLevelOf(process.env[environmentVariables.logLevel]),
  version: manifest.version,
});
const ports = openPorts({ folder: import.meta.dirname, log });

type Context = { awsRequestId: string; getRemainingTimeInMillis(): number };

/** Recovers or settles what a dead workflow left, for as long as there is time; run by a schedule. */
export const handler = (_event: unknown, context: Context) =>
  log.inRequest(context.awsRequestId, async () => {
    const mayGoOn = () => context.getRemainingTimeInMillis() > RESERVE_MS;
    const looked = await recoverDue(ports, { lanes: LANES, mayGoOn });
    if (looked.left > 0) log.warn("not every task that is due could be recovered; the next run goes on", looked);
    else if (looked.recovered > 0) log.info("tasks were recovered", looked);
    return looked;
  });
