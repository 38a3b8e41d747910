import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import type { Json } from "../../lib/contract/task.ts";
import type { DynamoStore } from "../../lib/system/local.ts";
import { findMarked, killMarked } from "../../worker/processes/processes.ts";
import { shareCompiledCode } from "../fixtures/compile-cache.ts";
import { type AtEnd, connect, type Revision, type TestClient } from "../mcp/clients.ts";

const script = join(import.meta.dirname, "../fixtures/local-system.ts");

/** A folder that is removed at the end of the test, with the processes of every session that was seen in it. */
export function temporaryFolder(atEnd: AtEnd = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-system-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type RunningSystem = {
  url: string;
  token: string;
  pid: number;
  process: ChildProcess;
  client: SystemClient;
  kill(signal: NodeJS.Signals): Promise<void>;
};

export type SystemOptions = {
  /** State after whose first effect the process kills itself. */
  dying?: string;
  /** State whose steps wait until the file `released` is in the state folder; `held` is there from then on. */
  held?: string;
  limits?: Json;
  configuration?: Json;
  revision?: Revision;
  diskMegabytes?: number;
  env?: Record<string, string>;
  /** Default: tasks are kept in a file. */
  store?: DynamoStore;
  /** Where commands run. */
  place?: Json;
  /** Whether a worker of this machine is kept ready; default true. */
  prewarm?: boolean;
  /** Gets what the system says on stderr, instead of the terminal. */
  onStderr?: (text: string) => void;
  atEnd?: AtEnd;
};

/** Starts a local system as a child process on the state folder, and connects to it. */
export async function startSystem(stateDir: string, options: SystemOptions = {}): Promise<RunningSystem> {
  const { atEnd = onTestFinished, place, dying, held, store, prewarm } = options;
  const configFile = join(stateDir, "config.json");
  const { defaults = {}, ...configuration } = (options.configuration ?? {}) as { defaults?: Json };
  const limits = { ...(defaults.limits as Json | undefined), ...options.limits };
  writeFileSync(configFile, JSON.stringify({ ...configuration, defaults: { ...defaults, limits } }));
  shareCompiledCode(stateDir);
  const args = [script, JSON.stringify({ stateDir, dying, held, store, prewarm })];
  const [program, ...words] = options.diskMegabytes
    ? onSmallDisk(stateDir, options.diskMegabytes, args)
    : [process.execPath, ...args];
  const child = spawn(program, words, {
    stdio: ["ignore", "pipe", options.onStderr ? "pipe" : "inherit"],
    env: { ...process.env, ...options.env, [environmentVariables.configFile]: configFile },
  });
  child.stderr?.on("data", (chunk) => options.onStderr?.(String(chunk)));
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  };
  atEnd(() => kill("SIGTERM"));
  const { url, token, pid } = JSON.parse(await firstLine(child)) as { url: string; token: string; pid: number };
  const connected = await connect(url, options.revision ?? "2026-07-28", token, atEnd);
  const client = systemClient(connected, { atEnd, ...(place && { place }) });
  return { url, token, pid, process: child, client, kill };
}

/** The words of a command whose state folder is a disk of its own, seen by it and its children alone. */
function onSmallDisk(folder: string, megabytes: number, args: string[]): [string, ...string[]] {
  const script = 'mount -t tmpfs -o size="$2" none "$1" && echo "{}" > "$1/config.json" && shift 2 && exec "$@"';
  return ["unshare", "-m", "sh", "-c", script, "sh", folder, `${megabytes}m`, process.execPath, ...args];
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (!child.stdout) throw new Error("the output is not piped");
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error("the local system ended before it listened");
}

type ClientOptions = { place?: Json; atEnd?: AtEnd };

/** The tools as the tests of the system use them; an error reply is thrown. */
export function systemClient(
  { call }: TestClient,
  { place = onThisMachine, atEnd = onTestFinished }: ClientOptions = {},
) {
  const must = async (tool: string, input: Json): Promise<Json> => {
    const reply = await call(tool, input);
    if (reply.isError) throw new Error(`${tool}: ${JSON.stringify(reply.text)}`);
    return reply.structured ?? {};
  };
  return {
    call,
    must,
    commandCall: (input: Json) => commandCall(input, place),
    /** Dispatches a command; resolves with the task's id. */
    async command(input: Json | string, more: Json = {}): Promise<string> {
      const handle = await must("dispatch_task", {
        ...commandCall(typeof input === "string" ? { command: input } : input, place),
        ...more,
      });
      atEnd(() => endSessionOf(handle.taskId as string));
      return handle.taskId as string;
    },
    status: (id: string) => must("get_task_status", { task_id: id }),
    /** Waits until the task has ended; resolves with its record. */
    async ended(id: string): Promise<Json> {
      for (;;) {
        const record = await must("wait_for_task", { task_id: id, timeout_seconds: 40 });
        if (!record.timedOutWaiting) return record;
      }
    },
    /** Waits until the record is as wanted. */
    async until(id: string, wanted: (record: Json) => boolean): Promise<Json> {
      for (;;) {
        const record = await must("get_task_status", { task_id: id });
        if (wanted(record)) return record;
        await must("wait_for_task", { task_id: id, timeout_seconds: 0.1 });
      }
    },
    async log(id: string): Promise<string> {
      let text = "";
      for (let cursor = 0; ; ) {
        const page = await must("get_task_logs", { task_id: id, cursor });
        if (page.nextCursor === cursor) return text;
        text += page.data;
        cursor = page.nextCursor as number;
      }
    },
    async events(id: string): Promise<{ sequence: number; type: string }[]> {
      const all: { sequence: number; type: string }[] = [];
      for (let after = 0; ; ) {
        const record = await must("get_task_status", { task_id: id, events_after: after });
        const events = record.events as { sequence: number; type: string }[];
        if (events.length === 0) return all;
        all.push(...events);
        after = record.eventsNext as number;
      }
    },
  };
}
export type SystemClient = ReturnType<typeof systemClient>;

const onThisMachine: Json = { provider: "local", account_profile: "local", target: { mode: "session" } };

/** The arguments of dispatch_task for a command; by default on this machine. */
export const commandCall = (input: Json, place = onThisMachine): Json => ({
  capability: "agent-runtime",
  task_type: "command.run",
  ...place,
  input,
});

/** Ids of the processes that a task's job left or still has. */
export const processesOf = (taskId: string) => findMarked(environmentVariables.taskId, taskId);

/** A test that failed leaves no job behind. */
const endSessionOf = async (taskId: string) => {
  await killMarked(environmentVariables.taskId, taskId);
};
