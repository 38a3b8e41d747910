import { type Command, CommanderError } from "commander";
import { DispatchError, problem } from "../../contract/errors.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import { defined } from "../../contract/json.ts";
import type { Context } from "./context.ts";
import { describe } from "./describe.ts";
import { exitCodeOfProblem, USAGE_ERROR } from "./exit-code.ts";
import { type Io, write } from "./io.ts";
import { printJson, printProblem } from "./print.ts";
import type { Place } from "./systems/place.ts";
import { inTerms } from "./terms.ts";

/** Runs one command line and resolves with its exit code; never throws. */
export async function main(args: readonly string[], context: Context): Promise<number> {
  const { io } = context;
  let options: Place & { json?: boolean } = {};
  let exitCode = 0;
  const program = describe(context, (code) => {
    exitCode = code;
  }).hook("preAction", (_, command) => {
    options = optionsOf(command);
    // Whatever paints asks the environment.
    if (command.opts().color === false) {
      io.env.NO_COLOR = "1";
      delete io.env.FORCE_COLOR;
    }
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode;
  } catch (error) {
    // Help ends this way too, with 0; what is wrong with the usage has been printed.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR;
    return await fail(io, error, options);
  }
}

/** What `local start` calls an endpoint is another service. */
function optionsOf(command: Command): Place & { json?: boolean } {
  const { config, stateDir, json, ...elsewhere } = command.opts();
  return defined({ config, stateDir, json, ...(command.parent?.name() !== "local" && elsewhere) });
}

async function fail(io: Io, error: unknown, { json, ...place }: Place & { json?: boolean }): Promise<number> {
  const message = error instanceof Error ? error.message : String(error);
  const said = error instanceof DispatchError ? inTerms(error.problem, place) : problem("client.internal", message);
  if (json) await printJson(io, { error: said });
  await printProblem(io, said);
  if (io.env[environmentVariables.logLevel] === "debug" && error instanceof Error)
    await write(io.stderr, `${error.stack}\n`);
  return exitCodeOfProblem(said);
}
