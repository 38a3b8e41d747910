import yoctoSpinner, { type Spinner } from "yocto-spinner";
import type { TaskEvent } from "../../contract/events.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import type { TaskRecord } from "../../contract/tools/task-record.ts";
import type { Watcher } from "../sdk/follow.ts";
import { commandName } from "./command-name.ts";
import { harmless } from "./harmless.ts";
import { type Io, isInteractive, type Output, write } from "./io.ts";
import { formatDuration, oneLine, paint } from "./print.ts";

type Options = {
  /** Where what the job writes to its standard output goes; default this process's. */
  stdout?: Output;
  /** Only what the job writes is shown, or only that it goes on; default both, and what is said of it. */
  says?: "output" | "end";
};

/**
 * What a person sees of a task while it runs: the job's own output where it belongs, and on standard error a spinner with
 * the time where both go to a terminal, plain lines elsewhere.
 */
export class LiveView implements Watcher {
  readonly #io: Io;
  readonly #stdout: Output;
  readonly #startedMs = performance.now();
  readonly #spinner: Spinner | undefined;
  #timer: NodeJS.Timeout | undefined;
  #status = "starting";
  #progress = "";
  #midLine = false;
  #hushed: boolean;
  /** Nothing is said besides what the job writes. */
  readonly #silent: boolean;

  constructor(io: Io, options: Options = {}) {
    this.#io = io;
    this.#stdout = options.stdout ?? io.stdout;
    this.#hushed = options.says === "end";
    this.#silent = options.says === "output";
    if (this.#silent) return;
    // Whatever reads a pipe may write to the same terminal, into the middle of what is drawn.
    if (!isInteractive(io.stderr, io.env) || !isInteractive(io.stdout, io.env)) return;
    // Signals mean something here: the first one cancels the task.
    this.#spinner = yoctoSpinner({ stream: io.stderr as NodeJS.WriteStream, handleSignals: false }).start(this.#line());
    this.#timer = setInterval(() => this.#refresh(), 1000).unref();
  }

  status(record: TaskRecord): Promise<void> | void {
    if (record.status === this.#status) return;
    this.#status = record.status;
    this.#refresh();
    // How it ended is told with the result.
    if (!this.#spinner && !this.#hushed && !isTerminal(record.status))
      return this.note(record.status.replaceAll("_", " "));
  }

  async event(event: TaskEvent): Promise<void> {
    if (this.#hushed) return;
    if (event.type === "task.log" && event.message) {
      const target = event.payload?.stream === "stderr" ? this.#io.stderr : this.#stdout;
      const shown = harmless(target, event.message);
      this.#midLine = !shown.endsWith("\n");
      await write(target, shown);
      if (event.payload?.shortened)
        await this.note(`a part of the output was too long to show; ${commandName()} logs has it`);
    } else if (event.type === "task.progress" && event.message) {
      this.#progress = oneLine(event.message, 100);
      this.#refresh();
      await this.note(oneLine(event.message));
    } else if (event.type === "task.input_required") {
      await this.note(`the task needs input: ${oneLine(event.message ?? `see ${commandName()} status`)}`);
    }
  }

  /** A line about the task, told apart from its own output. */
  async note(text: string): Promise<void> {
    if (this.#silent) return;
    await write(this.#io.stderr, `${this.#freshLine()}${paint(this.#io.stderr, "dim", `› ${text}`)}\n`);
  }

  /** Takes the spinner away; output after that begins on a line of its own. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#spinner?.stop();
    const line = this.#freshLine();
    if (line) await write(this.#io.stderr, line);
  }

  /** Shows nothing more of the task, after one last line that says why. */
  async hush(why: string): Promise<void> {
    this.#hushed = true;
    await this.stop();
    await this.note(why);
  }

  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** Output and notes share a line only where both go to the same terminal. */
  #freshLine(): string {
    const needed = this.#midLine && this.#stdout.isTTY === true && this.#io.stderr.isTTY === true;
    this.#midLine = false;
    return needed ? "\n" : "";
  }

  #refresh(): void {
    // One that was stopped would draw itself once more.
    if (this.#spinner?.isSpinning) this.#spinner.text = this.#line();
  }

  #line(): string {
    const progress = this.#progress && ` · ${this.#progress}`;
    return `${this.#status.replaceAll("_", " ")} · ${formatDuration(this.elapsedMs)}${progress}`;
  }
}
