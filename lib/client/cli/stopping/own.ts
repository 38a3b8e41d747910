import type { ToolArguments } from "../../../contract/tools/index.ts";
import { asking } from "../ask.ts";
import { commandName } from "../command-name.ts";
import type { Context } from "../context.ts";
import { USAGE_ERROR } from "../exit-code.ts";
import { write } from "../io.ts";
import { printJson, printProblem } from "../print.ts";
import { type Place, placeWords } from "../systems/place.ts";
import { hintInTerms } from "../terms.ts";
import { pauseText, printSessions, printStop } from "./stopping-text.ts";
import { exitCodeOfStop, untilStopped } from "./until-stopped.ts";

type Options = Place & { json?: boolean };

/** `agent-dispatch sessions` */
export async function sessions({ io, ...context }: Context, options: Options): Promise<number> {
  const reply = await asking({ io, ...context }, options, (client) => client.call("list_sessions", {}));
  if (options.json) await printJson(io, reply);
  else await printSessions(io, reply);
  return 0;
}

/** `agent-dispatch stop-all [--yes]` */
export function stopAll(context: Context, options: Options & { yes?: boolean; timeout: number }): Promise<number> {
  const { io } = context;
  return asking(context, options, async (client) => {
    if (!options.yes) {
      const reply = await client.call("stop_all", {});
      const { sessions: items = [], queued = 0, more } = reply;
      if (options.json) await printJson(io, reply);
      else await printSessions(io, { items, queued, ...(more !== undefined && { more }) });
      if (items.length === 0) return 0;
      const hint = `${commandName()} stop-all${placeWords(options)} --yes stops it`;
      await printProblem(io, { message: "nothing was stopped", hint });
      return USAGE_ERROR;
    }
    const ask = (wait_seconds: number) => client.call("stop_all", { confirm: true, wait_seconds });
    const report = await untilStopped(ask, options.timeout);
    if (options.json) await printJson(io, report);
    else await printStop(io, report);
    if (report.hint !== undefined) await write(io.stderr, `› ${hintInTerms(report.hint, options)}\n`);
    return exitCodeOfStop(report);
  });
}

/** `agent-dispatch admission [pause|resume|status]` */
export async function admission(
  context: Context,
  action: NonNullable<ToolArguments<"set_admission">["action"]>,
  options: Options,
): Promise<number> {
  const { io } = context;
  const reply = await asking(context, options, (client) => client.call("set_admission", { action }));
  if (options.json) await printJson(io, reply);
  else {
    const { paused, queued, hint } = reply;
    await write(
      io.stdout,
      paused.length === 0 ? "admission is open\n" : paused.map((one) => `${pauseText(one)}\n`).join(""),
    );
    if (queued > 0) await write(io.stderr, `› ${queued} ${queued === 1 ? "task waits" : "tasks wait"}\n`);
    if (hint !== undefined) await write(io.stderr, `› ${hintInTerms(hint, options)}\n`);
  }
  return 0;
}
