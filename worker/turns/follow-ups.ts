import { problem, RefusedError } from "../../lib/contract/errors.ts";
import { isObject } from "../../lib/contract/json.ts";
import { previewText } from "../../lib/contract/preview.ts";
import { conversationBegunBy } from "../../lib/contract/task-id.ts";
import { runnerFailure } from "../failures.ts";
import { StopSwitch } from "../processes/stop.ts";
import type { JobContext, JobTask, Outcome, Runner } from "../runner.ts";
import { Turn, type TurnRunner } from "./turn.ts";

/** Of an answer as an event, in UTF-16 units. */
const MAX_MESSAGE_LENGTH = 16_000;
/** Messages that wait for one agent. */
const MAX_WAITING = 20;

type FollowUp = { text: string; turn: Turn };
type Working = { context: JobContext; runner: Runner; answer: TurnRunner["answer"] };

const ended = (): RefusedError => new RefusedError("task.terminal", "the task has ended, and its agent with it");

/**
 * Messages for an agent that is at work. Each is a turn after the one that it works on, and belongs to the same job, which
 * does not end before they were heard; its result stays that of its own turn.
 */
export class FollowUps {
  readonly #waiting: FollowUp[] = [];
  #isClosed = false;

  /** Throws RefusedError `task.terminal` once the job is over, `worker.busy` when too many wait. */
  add(text: string): Turn {
    if (this.#isClosed) throw ended();
    if (this.#waiting.length >= MAX_WAITING)
      throw new RefusedError("worker.busy", `${MAX_WAITING} messages wait for the agent already`);
    const turn = new Turn();
    this.#waiting.push({ text, turn });
    return turn;
  }

  /** The next that somebody still wants an answer to; without one, none is taken any more. */
  next(): FollowUp | undefined {
    const next = this.#waiting.shift();
    if (next?.turn.isCancelled) return this.next();
    this.#isClosed ||= next === undefined;
    return next;
  }

  /** Takes no more, and ends those that nobody will hear. */
  close(): void {
    this.#isClosed = true;
    const { code, message } = ended();
    for (const { turn } of this.#waiting.splice(0))
      turn.end({ status: "failed", outcome: { error: problem(code, message) }, files: [] });
  }
}

/** Has the agent of a job hear a message, and ends its turn. Resolves with the outcome of the turn. */
export async function runFollowUp(
  { text, turn }: FollowUp,
  session: Outcome["session"],
  { context, runner, answer }: Working,
): Promise<Outcome> {
  const stop = new StopSwitch();
  const leave = context.stop.listen((order) => stop.pull(order));
  turn.begin({ answer, stop: (order) => stop.pull(order) });
  const { taskId } = context.task;
  try {
    const outcome = await runner({ ...context, stop, task: taskOf(context.task, text, session) });
    tell(context, turn, outcome);
    endTurn(turn, stop, outcome);
    return outcome;
  } catch (error) {
    const outcome = await runnerFailure(error, taskId, []);
    endTurn(turn, stop, outcome);
    return outcome;
  } finally {
    leave();
  }
}

/** Whoever asked may have left: the answer is in the log of the task as well, if the agent has not said it there itself. */
function tell({ emit, log }: JobContext, turn: Turn, { result }: Outcome): void {
  const output = isObject(result) ? result.output : result;
  if (typeof output !== "string" || output.trim() === "" || turn.hasSaid(output)) return;
  emit({ type: "agent.message", message: previewText(output, MAX_MESSAGE_LENGTH) });
  log.write("stdout", `${output}\n`);
}

function endTurn(turn: Turn, { order }: StopSwitch, outcome: Outcome): void {
  const status = order ? "cancelled" : outcome.error ? "failed" : "succeeded";
  turn.end({ status, outcome, files: [] });
}

/** What a job is asked in another turn of its agent. */
function taskOf(task: JobTask, text: string, session: Outcome["session"]): JobTask {
  const id = task.conversation?.id ?? conversationBegunBy(task.taskId);
  const { context: _said, ...input } = task.input;
  const { context: _given, ...rest } = task;
  return {
    ...rest,
    prompt: text,
    input: { ...input, instruction: text },
    conversation: { id, ...(session && { session }) },
  };
}
