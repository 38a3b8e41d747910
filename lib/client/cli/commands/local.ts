import { setTimeout as delay } from "node:timers/promises";
import { InvalidInputError, RefusedError } from "../../../contract/errors.ts";
import type { ShortRecord } from "../../../contract/tools/task-record.ts";
import type { LocalPlace } from "../../http/door.ts";
import type { Client } from "../../sdk/client.ts";
import type { storeKinds } from "../arguments.ts";
import { commandName } from "../command-name.ts";
import { connecting } from "../connecting.ts";
import type { Context } from "../context.ts";
import { type Io, write } from "../io.ts";
import type { DynamoStore, StartedSystem } from "../local-system.ts";
import { paint, printJson, table } from "../print.ts";
import { clientOfLocal, notRunning } from "../systems/open-client.ts";
import { onThisMachine, type Place, placeWords } from "../systems/place.ts";
import { tellOfTask } from "../tasks/task-line.ts";

const STOP_WAIT_MS = 20_000;
const IMPATIENT_MS = 3000;
const MAX_COUNTED = 1000;

type Options = Place & { json?: boolean };
type StartOptions = LocalPlace & {
  json?: boolean;
  port: number;
  store: (typeof storeKinds)[number];
  table?: string;
  endpoint?: string;
  region?: string;
  /** Seconds without anything to do after which it ends by itself. */
  untilIdle?: number;
  quiet?: boolean;
};

/**
 * `agent-dispatch local [start]`: runs the system in the foreground until it is interrupted, or idle for as long as was said.
 * Unless it is to be quiet, it says how to connect, and tells of each task.
 */
export async function start(context: Context, options: StartOptions): Promise<number> {
  const { io, local } = context;
  const { store: kind, table, endpoint, region, json: _, untilIdle, quiet = false, ...place } = options;
  const store = chosenStore(kind, { table, endpoint, region });
  const asked = Promise.withResolvers<void>();
  let times = 0;
  context.onDeparture((why) => {
    if (why === "reader_gone") return;
    times += 1;
    asked.resolve();
    // Closing ends the spare worker, so it is given a moment all the same.
    if (times > 1) setTimeout(() => context.exit(1), IMPATIENT_MS);
  });
  const onTask = (task: ShortRecord) => void tellOfTask(io, task);
  const system = await local.start({
    ...place,
    forRun: false,
    ...(store && { store }),
    ...(!quiet && { onTask }),
  });
  const folder = process.cwd();
  const where = placeWords(system.placeFrom(folder));
  const line = `${commandName()} ${system.runsCommands ? `run${where} --command 'git --version'` : `list${where}`}`;
  const init = `npx agent-dispatch init${where} --client all`;
  if (options.json) {
    const { url, tokenFile, stateDir } = system;
    const connect = { clients: connecting(system), terminal: { folder, line } };
    await printJson(io, { url, tokenFile, stateDir, pid: process.pid, connect });
  } else if (!quiet) await write(io.stdout, howToConnect(io, system, { init, line }));
  const idle = untilIdle === undefined ? new Promise<never>(() => {}) : system.untilIdle(untilIdle * 1000);
  const why = await Promise.race([
    asked.promise.then(() => "tasks that have not ended resume on the next start"),
    idle.then(() => "there was nothing to do"),
  ]);
  if (!quiet) await write(io.stderr, `\nstopping; ${why}\n`);
  await system.close();
  return 0;
}

/** Throws InvalidInputError for words that say nothing together. */
function chosenStore(
  kind: StartOptions["store"],
  words: { [key in "table" | "endpoint" | "region"]: string | undefined },
): DynamoStore | undefined {
  const { table, ...given } = Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined));
  if (kind === "dynamodb" && table) return { kind, table, ...given };
  if (kind === "dynamodb") throw new InvalidInputError([{ path: "--table", message: "names the table of the store" }]);
  const [extra] = Object.keys({ ...(table && { table }), ...given });
  if (extra === undefined) return undefined;
  throw new InvalidInputError([{ path: `--${extra}`, message: "goes with --store dynamodb" }]);
}

/** What a person needs to use the system that has just started. */
function howToConnect(io: Io, system: StartedSystem, { init, line }: { init: string; line: string }): string {
  const title = (text: string) => paint(io.stdout, "bold", text);
  const facts = [
    ["endpoint", system.url],
    ["token", system.tokenFile],
    ["state", system.stateDir],
  ].map(([name = "", value = ""]) => [`  ${paint(io.stdout, "dim", name)}`, value]);
  return `${title("AgentDispatch is running on this machine.")} Ctrl-C stops it.

${table(facts)}
${title("Your assistants, and another terminal")}, in ${process.cwd()}
  ${init}
  ${line}
`;
}

/** `agent-dispatch local stop`: asks the system that runs to end, and waits until it has. */
export async function stop(context: Context, options: Options): Promise<number> {
  const { io, local } = context;
  const place = onThisMachine(options, "local stop, which ends a system of this machine");
  const found = await local.find(place);
  if (!found) throw await notRunning(local, place);
  const deadline = Date.now() + STOP_WAIT_MS;
  for (let asked = false; isAlive(found.pid); asked = true) {
    if (!asked) process.kill(found.pid, "SIGTERM");
    if (Date.now() > deadline)
      throw new RefusedError("local.still_running", `process ${found.pid} has not ended within 20 s`, {
        hint: `kill -9 ${found.pid} ends it at once; its tasks resume on the next start`,
        details: { pid: found.pid, url: found.url },
      });
    await delay(50);
  }
  if (options.json) await printJson(io, { stopped: true, pid: found.pid });
  else await write(io.stdout, `stopped (process ${found.pid}); tasks that have not ended resume on the next start\n`);
  return 0;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw new RefusedError("local.not_permitted", `process ${pid} belongs to somebody else`, { cause: error });
  }
}

/** `agent-dispatch local status`: whether a system runs on the state, where, and what it has to do. Exits 1 if none runs. */
export async function status(context: Context, options: Options): Promise<number> {
  const { io, local } = context;
  const place = onThisMachine(options, "local status, which is about this machine");
  const stateDir = await local.stateDir(place);
  const found = await local.find(place);
  if (!found) {
    if (options.json) await printJson(io, { running: false, stateDir });
    else
      await write(
        io.stdout,
        table([
          ["not running", ""],
          ["state", stateDir],
        ]),
      );
    return 1;
  }
  const client = clientOfLocal(found);
  const { counts, more } = await countTasks(client).finally(() => client.close());
  const { url, pid } = found;
  if (options.json) {
    await printJson(io, { running: true, stateDir, url, pid, tasks: counts, ...(more && { newestOnly: MAX_COUNTED }) });
    return 0;
  }
  const tasks = Object.entries(counts).map(([name, count]) => `${count} ${name.replaceAll("_", " ")}`);
  const rows = [
    ["running", `process ${pid}`],
    ["endpoint", url],
    ["state", stateDir],
    ["tasks", (tasks.join(", ") || "none") + (more ? ` (of the newest ${MAX_COUNTED})` : "")],
  ];
  await write(io.stdout, table(rows));
  return 0;
}

async function countTasks(client: Client): Promise<{ counts: Record<string, number>; more: boolean }> {
  const counts: Record<string, number> = {};
  let seen = 0;
  for await (const { status } of client.tasks()) {
    if (seen === MAX_COUNTED) return { counts, more: true };
    counts[status] = (counts[status] ?? 0) + 1;
    seen += 1;
  }
  return { counts, more: false };
}
