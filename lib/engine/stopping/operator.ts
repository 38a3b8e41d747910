import { type OperatorAnswer, type OperatorRequest, operatorRequest } from "../../contract/stopping/operator.ts";
import type { StopReport } from "../../contract/stopping/report.ts";
import type { Ports } from "../ports.ts";
import { parse } from "../service/arguments.ts";
import { heldBy } from "./held.ts";
import { setAdmission } from "./pausing.ts";
import { describeRuntimes, removeUnused } from "./runtimes.ts";
import { sessionsOf } from "./sessions.ts";
import { describeStop, stopAll } from "./stop-all.ts";
import { describeWarm, endWarm } from "./warm.ts";

/** How long a stop is waited for where nobody says it, in seconds. */
const WAIT_SECONDS = 40;
/** How long a job has to end by itself, in milliseconds: whoever stops everybody's is in a hurry. */
const PATIENCE_MS = 3000;

type Answer = OperatorAnswer<OperatorRequest["operation"]>;

/**
 * Does what an operator asks of a whole system, given as it came. Throws InvalidInputError with every issue, RetryableError.
 * `mayGoOn` says whether there is time for more.
 */
export async function answerOperator(ports: Ports, given: unknown, mayGoOn: () => boolean): Promise<Answer> {
  const request = parse(operatorRequest, given);
  switch (request.operation) {
    case "sessions": {
      const { held } = await heldBy(ports, "everybody");
      const sessions = await sessionsOf(ports, "everybody");
      return { ...sessions, warm: await describeWarm(ports), runtimes: await describeRuntimes(ports, held) };
    }
    case "admission":
      return setAdmission(ports, "everybody", request.action, { mayGoOn });
    case "stop_all":
      return request.confirm ? stopEverybody(ports, request) : describe(ports, request);
  }
}

type Stop = { waitSeconds?: number | undefined; runtimes?: boolean | undefined };

async function describe(ports: Ports, { runtimes }: Stop): Promise<OperatorAnswer<"stop_all">> {
  const report = { ...(await describeStop(ports, "everybody")), warm: await describeWarm(ports) };
  if (!runtimes) return report;
  return { ...report, runtimes: await describeRuntimes(ports, (await heldBy(ports, "everybody")).held) };
}

async function stopEverybody(
  ports: Ports,
  { waitSeconds = WAIT_SECONDS, runtimes = false }: Stop,
): Promise<OperatorAnswer<"stop_all">> {
  const endsAtMs = ports.steady() + waitSeconds * 1000;
  const stopped = await stopAll(ports, "everybody", { waitMs: waitSeconds * 1000, patienceMs: PATIENCE_MS });
  const report = withMore(stopped, await endWarm(ports));
  if (!runtimes) return report;
  const removed = await removeUnused(ports, endsAtMs);
  const { held } = await heldBy(ports, "everybody");
  return { ...withMore(report, removed), runtimes: await describeRuntimes(ports, held) };
}

const withMore = (report: StopReport, more: Required<Pick<StopReport, "verified" | "underway">>): StopReport => ({
  ...report,
  verified: [...(report.verified ?? []), ...more.verified],
  underway: [...(report.underway ?? []), ...more.underway],
});
