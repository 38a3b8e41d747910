import { text } from "node:stream/consumers";
import { DispatchError } from "../../domain/errors.ts";
import type { Json } from "../../domain/task.ts";
import { type OpenDoor, openForRun, openRunning } from "../door.ts";
import type { Endpoint } from "../endpoint.ts";
import { CANCELLED, exitCodeOf, USAGE_ERROR } from "../exit-code.ts";
import { follow } from "../follow.ts";
import { type Io, write } from "../io.ts";
import { LiveView } from "../live.ts";
import { printOutcome } from "../outcome.ts";
import { oneLine, paint, printJson } from "../print.ts";
import type { Context } from "../program.ts";
import { type TaskOutcome, type TaskRecord, toOutcome, toQuestions } from "../reply.ts";
import { type RunOptions, toCall } from "../run-call.ts";

/** Dispatches one task, shows it while it runs, and resolves with the job's own exit code. */
export async function run(context: Context, instruction: string | undefined, options: RunOptions): Promise<number> {
  const { io, local } = context;
  const stdin = options.stdin === "-" ? await text(io.stdin) : options.stdin;
  const call = toCall(instruction, options, io.env, stdin);
  if (options.detach) {
    // Nothing would run the task once this process has ended, so only a system that stays will do.
    const endpoint = await openRunning(local, options);
    return await endpoint
      .call(call.tool, call.args)
      .then((handle) => printHandle(io, options, handle))
      .finally(() => endpoint.close());
  }
  let view: LiveView | undefined;
  const tell = (line: string) => void (view?.note(line) ?? write(io.stderr, `› ${line}\n`));
  const door = await openForRun(context, options, tell);
  try {
    const handle = await door.endpoint.call(call.tool, call.args);
    const id = taskIdOf(handle);
    if (id === undefined) return await printClarification(io, options, handle);
    view = new LiveView(io, options.json ? { stdout: io.stderr } : {});
    const { record, outcome } = await watch(context, door, id, view).finally(() => view?.stop());
    const exitCode = exitCodeOf(outcome);
    if (options.json) await printJson(io, { ...record.whole, ...outcome.whole, exitCode });
    else await printOutcome(io, record, outcome, view.elapsedMs);
    return exitCode;
  } finally {
    await door.close();
  }
}

/** Follows the task to its end. The first Ctrl-C cancels it, the second leaves. */
async function watch(
  context: Context,
  door: OpenDoor,
  id: string,
  view: LiveView,
): Promise<{ record: TaskRecord; outcome: TaskOutcome }> {
  await view.note(id);
  const release = context.onInterrupt((count) => {
    if (count > 1) return void view.stop().then(() => context.exit(CANCELLED));
    void view.note("ending the task; Ctrl-C once more leaves at once");
    void cancel(door.endpoint, id, view);
  });
  try {
    const record = await follow(door.endpoint, id, view);
    return { record, outcome: toOutcome(await door.endpoint.call("get_task_result", { task_id: id })) };
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error;
    throw new DispatchError(error.code, `lost sight of ${id}: ${error.message}`, error.retryable, {
      hint: `the task is kept: agent-dispatch local starts the system again, agent-dispatch status ${id} shows how it stands`,
      cause: error,
    });
  } finally {
    release();
  }
}

async function cancel(endpoint: Endpoint, id: string, view: LiveView): Promise<void> {
  try {
    await endpoint.call("cancel_task", { task_id: id });
  } catch (error) {
    // One that has just ended cannot be cancelled; its result is shown in a moment.
    if (error instanceof DispatchError && ["task.terminal", "endpoint.closed"].includes(error.code)) return;
    await view.note(`it could not be cancelled: ${error instanceof Error ? oneLine(error.message) : "unknown error"}`);
  }
}

const taskIdOf = (reply: Json): string | undefined => (typeof reply.taskId === "string" ? reply.taskId : undefined);

async function printHandle(io: Io, options: RunOptions, handle: Json): Promise<number> {
  const id = taskIdOf(handle);
  if (id === undefined) return printClarification(io, options, handle);
  if (options.json) await printJson(io, handle);
  else {
    await write(io.stdout, `${id}\n`);
    await write(io.stderr, paint(io.stderr, "dim", `› agent-dispatch logs ${id} --follow shows what it does\n`));
  }
  return 0;
}

/** What has to be answered before anything can run. */
async function printClarification(io: Io, options: RunOptions, reply: Json): Promise<number> {
  if (options.json) await printJson(io, reply);
  const flags: Record<string, string> = { instruction: 'agent-dispatch run "…"', runtime: "--runtime <name>" };
  for (const { id, question, choices } of toQuestions(reply) ?? []) {
    const known = choices.length > 0 ? ` (${choices.map((choice) => oneLine(choice, 100)).join(", ")})` : "";
    await write(io.stderr, `${paint(io.stderr, "yellow", "question:")} ${oneLine(question)}${known}\n`);
    const answer = Object.hasOwn(flags, id) ? flags[id] : `--context ${oneLine(id, 100)}=…`;
    await write(io.stderr, `${paint(io.stderr, "dim", "hint:")} answer it with ${answer}\n`);
  }
  return USAGE_ERROR;
}
