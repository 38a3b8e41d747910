import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { interpretText } from "../../../config/config-file.ts";
import { ConfigurationError, locateState } from "../../../config/locate.ts";
import { exists, replaceFile } from "../../../config/replace-file.ts";
import { InvalidInputError, RefusedError } from "../../../contract/errors.ts";
import { defined } from "../../../contract/json.ts";
import { adapters } from "../adapters.ts";
import type { Assistant, Machine } from "../assistants/assistant.ts";
import { assistants } from "../assistants/index.ts";
import { bridgeServer, type Connection, withVariables } from "../assistants/server.ts";
import { commandName } from "../command-name.ts";
import type { Context } from "../context.ts";
import { CANCELLED } from "../exit-code.ts";
import { namedAssistants } from "../init/choose.ts";
import { atOptions, configText, type Described, isCloud } from "../init/config-text.ts";
import { doStep, type Planned, planAll, stepText } from "../init/steps.ts";
import { type Io, isInteractive, write } from "../io.ts";
import { oneLine, paint, printJson, printProblem } from "../print.ts";

export type InitOptions = Described &
  Connection & {
    /** Names of assistants. */
    client?: string[];
    remove?: boolean;
    approve: boolean;
    yes?: boolean;
    dryRun?: boolean;
    force?: boolean;
    json?: boolean;
  };

/** What is to be done, before any of it is. */
type Plan = { file?: { path: string; text: string }; planned: Planned[] };
type Done = { name: string; changed: boolean; error?: string };

/**
 * `agent-dispatch init`: writes a configuration file and registers with assistants, as options or a person say. What changes
 * is shown first. Exits 1 if an assistant could not be told.
 */
export async function init(context: Context, said: InitOptions): Promise<number> {
  const { io } = context;
  const machine: Machine = { env: io.env, platform: process.platform };
  const asks = !said.yes && !said.json && !said.dryRun && isInteractive(io.stdout, io.env) && isTerminal(io);
  if (!asks) return await carryOut(io, machine, makePlan(said, machine), said);
  const { askAll, confirm, Left } = await import("../init/questions.ts");
  try {
    const options = saysNothing(said) ? await asked(said, () => askAll(io, machine)) : said;
    const plan = makePlan(options, machine);
    await show(io, plan);
    if (isDone(plan)) return 0;
    return (await confirm(io, "Do this?")) ? await carryOut(io, machine, plan, { ...options, shown: true }) : CANCELLED;
  } catch (error) {
    if (!(error instanceof Left)) throw error;
    return CANCELLED;
  }
}

const isTerminal = ({ stdin }: Io): boolean => "isTTY" in stdin && stdin.isTTY === true;

const describedBy = ({ account, region, runtimeArn, image, role, protocol }: InitOptions): Described =>
  defined({ account, region, runtimeArn, image, role, protocol });

const isDeployed = ({ endpoint, stack }: Connection): boolean => endpoint !== undefined || stack !== undefined;
const saysNothing = (said: InitOptions): boolean =>
  !isCloud(describedBy(said)) && !isDeployed(said) && said.client === undefined && !said.remove;

async function asked(
  said: InitOptions,
  ask: () => Promise<{ described?: Described; connection: Connection; clients: string[]; writes: boolean }>,
): Promise<InitOptions & { writes: boolean }> {
  const { described, connection, clients, writes } = await ask();
  return { ...said, ...described, ...connection, client: clients, writes };
}

/** Throws InvalidInputError, ConfigurationError or RefusedError for what cannot be; nothing has been changed then. */
function makePlan(options: InitOptions & { writes?: boolean }, machine: Machine): Plan {
  const described = isDeployed(options) ? {} : describedBy(options);
  const { client = [], remove = false, force = false } = options;
  const writes = options.writes ?? (!remove && !isDeployed(options) && (isCloud(described) || client.length === 0));
  const path = resolve(options.config ?? locateNew());
  if (writes && !force && existsSync(path)) throw exists(path);
  const file = writes ? { path, text: checkedText(path, described) } : undefined;
  const chosen = client.length > 0 ? namedAssistants(client, machine) : remove ? registered(machine) : [];
  const server = bridgeServer(connectionFor(options, machine, file?.path), machine.env);
  return {
    ...(file && { file }),
    planned: planAll(chosen, machine, { approve: options.approve, ...(!remove && { server }) }),
  };
}

const locateNew = (): string => "agentdispatch.config.json";

const registered = (machine: Machine): Assistant[] => assistants.filter((each) => each.find(machine) !== undefined);

/** The folder that an assistant is opened in is to decide nothing: a file that counts in this one is named, or the state. */
function connectionFor(options: InitOptions, machine: Machine, written: string | undefined): Connection {
  const { endpoint, stack, region, service, profile, config, stateDir } = options;
  if (isDeployed(options)) return withVariables(defined({ endpoint, stack, region, service, profile }), machine.env);
  const named = withVariables(defined({ config, stateDir }), machine.env);
  if (isDeployed(named)) return named;
  const here = locateState({ cwd: process.cwd(), env: machine.env });
  const file = written ?? named.config ?? here.file;
  return file === undefined ? { stateDir: here.stateDir, ...named } : { ...named, config: file };
}

function checkedText(path: string, described: Described): string {
  const text = configText(described);
  try {
    interpretText({ adapters, cwd: dirname(path) }, path, text);
    return text;
  } catch (error) {
    if (!(error instanceof ConfigurationError) || !(error.cause instanceof InvalidInputError)) throw error;
    throw new InvalidInputError(atOptions(error.cause.issues, described));
  }
}

const isDone = ({ file, planned }: Plan): boolean => !file && planned.every(({ steps }) => steps.length === 0);

async function show(io: Io, { file, planned }: Plan): Promise<void> {
  const title = (text: string) => paint(io.stdout, "bold", text);
  if (file) {
    const lines = file.text
      .trimEnd()
      .split("\n")
      .map((line) => `  ${paint(io.stdout, "green", `+ ${line}`)}\n`);
    await write(io.stdout, `${title("configuration")}\n  ${oneLine(file.path, 4096)}\n${lines.join("")}`);
  }
  for (const { assistant, steps } of planned)
    await write(
      io.stdout,
      `${title(assistant.title)}\n${steps.length === 0 ? "  nothing to change\n" : steps.map((step) => stepText(io, step)).join("")}`,
    );
}

async function carryOut(
  io: Io,
  machine: Machine,
  plan: Plan,
  options: InitOptions & { shown?: boolean },
): Promise<number> {
  const { json = false, dryRun = false, force = false, shown = false } = options;
  if (!json && !shown) await show(io, plan);
  if (dryRun) {
    if (json) await printJson(io, { dryRun, ...asJson(plan, []) });
    else await write(io.stderr, "› nothing was changed: --dry-run\n");
    return 0;
  }
  if (plan.file) await replaceFile(plan.file.path, plan.file.text, { isNew: !force });
  const done: Done[] = [];
  for (const { assistant, steps } of plan.planned) {
    try {
      for (const step of steps) await doStep(step, machine.env);
      done.push({ name: assistant.name, changed: steps.length > 0 });
    } catch (error) {
      // One that cannot be told keeps no other from it.
      if (!(error instanceof RefusedError)) throw error;
      done.push({ name: assistant.name, changed: false, error: error.message });
      if (!json) await printProblem(io, error.problem);
    }
  }
  if (json) await printJson(io, { dryRun, ...asJson(plan, done) });
  else await tellNext(io, plan, done, options.remove ?? false);
  return done.some(({ error }) => error !== undefined) ? 1 : 0;
}

const asJson = ({ file, planned }: Plan, done: readonly Done[]) => ({
  ...(file && { configuration: { file: file.path, text: file.text } }),
  clients: planned.map(({ assistant, steps }) => ({
    name: assistant.name,
    steps: steps.map((step) => (step.kind === "command" ? { command: step.shown } : { file: step.file })),
    ...done.find(({ name }) => name === assistant.name),
  })),
});

async function tellNext(io: Io, { file, planned }: Plan, done: readonly Done[], removed: boolean): Promise<void> {
  const note = (text: string) => write(io.stderr, `${paint(io.stderr, "dim", `› ${text}`)}\n`);
  if (file) await note(`written: ${oneLine(file.path, 4096)}`);
  for (const { assistant } of planned) {
    const how = done.find(({ name }) => name === assistant.name);
    if (how?.error !== undefined) continue;
    const what = !how?.changed ? "nothing to change" : removed ? "knows us no more" : "registered";
    await note(`${assistant.title}: ${what}${assistant.note && !removed ? `; it ${assistant.note}` : ""}`);
  }
  if (!removed) await note(`next: ${commandName()} doctor says whether all of it works`);
}
