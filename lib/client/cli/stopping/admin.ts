import { RefusedError } from "../../../contract/errors.ts";
import { environmentVariables } from "../../../contract/execution-environment.ts";
import type { OperatorRequest, OperatorRuntimes, OperatorWarm } from "../../../contract/stopping/operator.ts";
import { askOperator, type StackPlace } from "../../operator/ask-operator.ts";
import { commandName, quote } from "../command-name.ts";
import type { Context } from "../context.ts";
import { USAGE_ERROR } from "../exit-code.ts";
import { type Io, write } from "../io.ts";
import { formatDuration, oneLine, paint, printJson, printProblem, table } from "../print.ts";
import { costText, pauseText, printSessions, printStop } from "./stopping-text.ts";
import { exitCodeOfStop, untilStopped } from "./until-stopped.ts";

type Options = { stack?: string; region?: string; profile?: string; json?: boolean };

/** `agent-dispatch admin sessions --stack <name>` */
export async function sessions({ io }: Context, options: Options): Promise<number> {
  const answer = await askOperator(placeOf(options, io), { operation: "sessions" }, io.env);
  if (options.json) await printJson(io, answer);
  else {
    await printSessions(io, answer);
    await printWarm(io, answer.warm);
    await printRuntimes(io, answer.runtimes);
  }
  return 0;
}

/** `agent-dispatch admin stop-all --stack <name> [--yes] [--runtimes]` */
export async function stopAll(
  { io }: Context,
  options: Options & { yes?: boolean; runtimes?: boolean; timeout: number },
): Promise<number> {
  const place = placeOf(options, io);
  const request = { operation: "stop_all", runtimes: options.runtimes ?? false } as const;
  if (!options.yes) {
    const answer = await askOperator(place, request, io.env);
    const { sessions: items = [], queued = 0, more } = answer;
    if (options.json) await printJson(io, answer);
    else {
      await printSessions(io, { items, queued, ...(more !== undefined && { more }) });
      await printWarm(io, answer.warm);
      if (answer.runtimes) await printRuntimes(io, answer.runtimes);
    }
    const hint = `${commandName()} admin stop-all --stack ${quote(place.stack)}${options.runtimes ? " --runtimes" : ""} --yes stops it`;
    await printProblem(io, { message: "nothing was stopped", hint });
    return USAGE_ERROR;
  }
  const ask = (waitSeconds: number) => askOperator(place, { ...request, confirm: true, waitSeconds }, io.env);
  const report = await untilStopped(ask, options.timeout);
  if (options.json) await printJson(io, report);
  else {
    await printStop(io, report);
    if (report.runtimes) await printRuntimes(io, report.runtimes);
  }
  if (report.hint !== undefined) await write(io.stderr, `› ${report.hint}\n`);
  return exitCodeOfStop(report);
}

/** `agent-dispatch admin admission [pause|resume|status] --stack <name>` */
export async function admission(
  { io }: Context,
  action: Extract<OperatorRequest, { operation: "admission" }>["action"],
  options: Options,
): Promise<number> {
  const answer = await askOperator(placeOf(options, io), { operation: "admission", action }, io.env);
  if (options.json) await printJson(io, answer);
  else {
    const { paused, left } = answer;
    await write(
      io.stdout,
      paused.length === 0 ? "admission is open\n" : paused.map((one) => `${pauseText(one)}\n`).join(""),
    );
    if (left > 0)
      await write(io.stderr, `› what waits of ${left} owners is admitted by the janitor, within 5 minutes\n`);
  }
  return 0;
}

async function printWarm(io: Io, items: readonly OperatorWarm[] = []): Promise<void> {
  const rows = items.map(({ id, state, ageSeconds, estimatedCost, region = "-" }) => [
    oneLine(id),
    region,
    state,
    formatDuration(ageSeconds * 1000),
    estimatedCost ? costText(estimatedCost) : "-",
  ]);
  const titles = ["kept ready", "region", "state", "for", "estimate"];
  const head = titles.map((title) => paint(io.stdout, "dim", title));
  if (items.length > 0) await write(io.stdout, `\n${table([head, ...rows])}`);
}

async function printRuntimes(io: Io, { items, unseen }: OperatorRuntimes): Promise<void> {
  const rows = items.map(({ name, region, status, users, known }) => [
    oneLine(name),
    region,
    status,
    `${users} ${users === 1 ? "task" : "tasks"}`,
    known ? "" : "nobody knows it",
  ]);
  const head = ["runtime", "region", "status", "used by", ""].map((title) => paint(io.stdout, "dim", title));
  if (items.length > 0) await write(io.stdout, `\n${table([head, ...rows])}`);
  for (const { accountProfile, region, reason } of unseen)
    await write(
      io.stderr,
      `› the runtimes of ${accountProfile} in ${region} could not be listed: ${oneLine(reason)}\n`,
    );
}

/** Throws RefusedError where no stack is named: on one machine there is none. */
function placeOf({ stack = "", region, profile }: Options, { env }: Io): StackPlace {
  const name = stack || env[environmentVariables.stack];
  if (name) return { stack: name, region, profile };
  throw new RefusedError("input.invalid", "no stack is named, and a system on one machine is none", {
    hint: "name it with --stack; on one machine agent-dispatch sessions, stop-all and admission do the same for all tasks",
  });
}
