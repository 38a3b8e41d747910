import * as consumers from "node:stream/consumers";
import type { ErrorCode } from "../../../contract/error-codes.ts";
import { DispatchError } from "../../../contract/errors.ts";
import { defined } from "../../../contract/json.ts";
import type { TaskResult } from "../../../contract/tools/get-task-result.ts";
import type { TaskRecord } from "../../../contract/tools/task-record.ts";
import type { Client } from "../../sdk/client.ts";
import type { ClientTask } from "../../sdk/task.ts";
import { commandName } from "../command-name.ts";
import type { Context } from "../context.ts";
import { readContinue, withConversation } from "../continuing.ts";
import { CANCELLED, exitCodeOf } from "../exit-code.ts";
import { printClarification, printHandle } from "../handle.ts";
import type { Departure } from "../interrupt.ts";
import { write } from "../io.ts";
import { LiveView } from "../live.ts";
import { FEW_ARTIFACTS, printOutcome } from "../outcome.ts";
import { oneLine, printJson } from "../print.ts";
import { type Call, type RunOptions, toCall } from "../run-call.ts";
import { openForRun, openStaying, type RunSystem } from "../systems/open-client.ts";
import { placeWords } from "../systems/place.ts";
import { dispatchTaken } from "../systems/taken-call.ts";
import { ageMs, endOf } from "../tasks/age.ts";

/** What a shell says of a program that these signals ended: SIGHUP, and SIGPIPE. */
const HUNG_UP = 129;
const READER_GONE = 141;

/** Dispatches one task, shows it while it runs, and resolves with the job's own exit code. */
export async function run(context: Context, text: string | undefined, given: RunOptions): Promise<number> {
  const { io } = context;
  const { instruction, options } = readContinue(text, given);
  const stdin = options.stdin === "-" ? await consumers.text(io.stdin) : options.stdin;
  const call = toCall(instruction, options, io.env, stdin);
  return perform(context, options, call);
}

/** Dispatches what a call says, and shows it while it runs, or leaves it to the system. Resolves with the job's own exit code. */
export const perform = (context: Context, options: RunOptions, call: Call): Promise<number> =>
  options.detach ? detach(context, options, call) : new AttendedRun(context, options).attend(call);

/** Only a system that stays will do: nothing else would run the task once this process has ended. */
async function detach(context: Context, options: RunOptions, call: Call): Promise<number> {
  const { io } = context;
  const client = await openStaying(context, options);
  try {
    const said = await withConversation(client, call, options, context);
    return await printHandle(io, options, await dispatchTaken(client, said, options));
  } finally {
    await client.close();
  }
}

/**
 * One task from its dispatch until nothing is left of it. The first Ctrl-C cancels it, the second ends its session, or leaves
 * it to the system that runs it. When the terminal is closed or the reader of the output leaves, a system that stays goes on
 * with the task, and this command ends.
 */
class AttendedRun {
  readonly #context: Context;
  readonly #options: RunOptions;
  readonly #system: RunSystem;
  readonly #left = Promise.withResolvers<number>();
  /** Aborted once the clean-up is not waited for any more. */
  readonly #impatience = new AbortController();
  #view: LiveView | undefined;
  #taskId: string | undefined;
  #interrupts = 0;
  #exitCode: number | undefined;

  constructor(context: Context, options: RunOptions) {
    this.#context = context;
    this.#options = options;
    this.#system = openForRun(context, options, (line) => void this.#tell(line));
  }

  async attend(call: Call): Promise<number> {
    const release = this.#context.onDeparture((why) => this.#depart(why));
    const whole = this.#perform(call);
    // Whoever has left does not hear of it.
    whole.catch(() => {});
    try {
      return await Promise.race([whole, this.#left.promise]);
    } finally {
      await this.#view?.stop();
      await this.#system.close();
      release();
    }
  }

  async #perform(call: Call): Promise<number> {
    const { io } = this.#context;
    const { client } = this.#system;
    const said = await withConversation(client, call, this.#options, this.#context);
    const handle = await dispatchTaken(client, said, this.#options);
    if (handle.status === "needs_clarification") return await printClarification(io, this.#options, handle);
    const { taskId: id, cached } = handle;
    this.#taskId = id;
    const { json, quiet, onlyEnd } = this.#options;
    const view = new LiveView(io, {
      ...(json && { stdout: io.stderr }),
      ...(quiet && { says: "output" }),
      ...(onlyEnd && { says: "end" }),
    });
    this.#view = view;
    await view.note(id);
    if (cached) await view.note("answered by an earlier task; --no-cache runs it anew");
    if (this.#interrupts > 0) void cancel(client, id, view);
    const { record, outcome } = await watch(client.task(id), view);
    await view.stop();
    this.#exitCode = exitCodeOf(outcome);
    if (this.#options.json)
      await printJson(io, { ...record, ...outcome, ...defined({ cached }), exitCode: this.#exitCode });
    else {
      // A system of this run alone is gone by the time that anybody could ask it for more.
      const most = this.#system.stays() ? FEW_ARTIFACTS : undefined;
      const when = cached ? { elapsedMs: ageMs(record), endedAt: endOf(record) } : { elapsedMs: view.elapsedMs };
      await printOutcome(io, record, outcome, { ...when, place: this.#options, most, quiet });
    }
    await this.#system.settle(id, this.#impatience.signal);
    return this.#exitCode;
  }

  #depart(why: Departure): void {
    const task = this.#taskId;
    if (why === "interrupt") this.#interrupt();
    else if (this.#system.stays()) {
      if (task) void this.#tell(`the task goes on: ${commandName()} logs ${task}${placeWords(this.#options)} --follow`);
      this.#left.resolve(why === "hangup" ? HUNG_UP : READER_GONE);
    } else if (why === "reader_gone") {
      void this.#view?.hush("nobody reads the output any more; the task goes on to its end, and Ctrl-C cancels it");
    } else if (this.#interrupts === 0) this.#interrupt();
  }

  #interrupt(): void {
    this.#interrupts += 1;
    if (this.#exitCode !== undefined) this.#impatience.abort();
    else if (this.#interrupts === 1) {
      const again = this.#system.stays() ? "leaves it to the system, which goes on" : "ends it at once";
      void this.#say(`the task was asked to cancel; Ctrl-C once more ${again}`);
      if (this.#taskId !== undefined && this.#view) void cancel(this.#system.client, this.#taskId, this.#view);
    } else if (this.#interrupts === 2) void this.#abandon();
    else this.#context.exit(CANCELLED);
  }

  async #abandon(): Promise<void> {
    const task = this.#taskId;
    if (task !== undefined) {
      const come = (word: string) => `${commandName()} ${word} ${task}${placeWords(this.#options)}`;
      // A system of this run alone ends with it, and nothing of it may be left running.
      if (this.#system.stays()) void this.#say(`the task is left running; come back with: ${come("logs")} --follow`);
      else void this.#say(`the task's session is ended with this run; what is known of it: ${come("status")}`);
      await this.#system.abandon(task).catch(() => {});
    }
    this.#left.resolve(CANCELLED);
  }

  /** What a person who interrupts is told in any case. */
  async #say(line: string): Promise<void> {
    if (this.#options.quiet) await write(this.#context.io.stderr, `› ${line}\n`);
    else await this.#tell(line);
  }

  #tell(line: string): Promise<void> {
    if (this.#options.quiet) return Promise.resolve();
    return this.#view?.note(line) ?? write(this.#context.io.stderr, `› ${line}\n`);
  }
}

/** Follows the task to its end. */
async function watch(task: ClientTask, view: LiveView): Promise<{ record: TaskRecord; outcome: TaskResult }> {
  const { id } = task;
  try {
    const record = await task.follow(view);
    // Where the whole result cannot be read here, its parts are shown, and where it is kept.
    return { record, outcome: await task.result().catch(() => task.result({ preview: true })) };
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error;
    throw error.with({
      message: `lost sight of ${id}: ${error.message}`,
      hint: `the task is kept: agent-dispatch local starts the system again, agent-dispatch status ${id} shows how it stands`,
    });
  }
}

/** One that has just ended cannot be cancelled; its result is shown in a moment. */
const harmless: readonly ErrorCode[] = ["task.terminal", "endpoint.closed"];

async function cancel(client: Client, id: string, view: LiveView): Promise<void> {
  try {
    await client.task(id).cancel();
  } catch (error) {
    if (error instanceof DispatchError && harmless.includes(error.code)) return;
    await view.note(`it could not be cancelled: ${error instanceof Error ? oneLine(error.message) : "unknown error"}`);
  }
}
