import { RefusedError } from "../../contract/errors.ts";
import { isTerminal } from "../../contract/lifecycle.ts";
import { MAX_REPLY, replySize } from "../../contract/replies/reply-size.ts";
import { hasEnded, type Json, type Task } from "../../contract/task.ts";
import { type ToolResult as Result, toolSchemas } from "../../contract/tools/index.ts";
import { jobIdOf } from "../../contract/tools/jobs/fields.ts";
import type { Job } from "../../contract/tools/jobs/jobs.ts";
import type { TaskHandle } from "../../contract/tools/task-handle.ts";
import { waitForTask } from "../poll/waiting.ts";
import type { Ports } from "../ports.ts";
import { readArguments } from "../service/arguments.ts";
import { cancelOwn } from "../service/cancel.ts";
import { progressTeller, type Tell } from "../service/progress.ts";
import { TaskReader } from "../task-reader.ts";
import { dispatchDialogueOf, dispatchToAgent, dispatchToMany } from "./dispatching.ts";
import { fetchedPage } from "./fetched.ts";
import { listJobs } from "./list.ts";
import { jobRecord, jobStatus, progressOf } from "./record.ts";
import { answerOfAll, resultOfAgent } from "./results.ts";

type Waiting = { signal?: AbortSignal | undefined; tell?: Tell | undefined };

/** Longest wait of dispatch_wait, and how long a job that was cancelled is given to end, in seconds. */
const MOST_SECONDS = 3600;
const CANCEL_SECONDS = 10;

/**
 * The tasks of an owner as jobs of agents: what the toolset `agents` does, in the words of whoever knows agents in folders. A
 * call that waits for its job leaves it to itself when it cannot wait any longer, and says how to go on. Methods throw as those
 * of TaskService.
 */
export class Jobs extends TaskReader {
  readonly #ports: Ports;
  readonly #owner: string;

  constructor(ports: Ports, owner: string) {
    super(ports, owner);
    this.#ports = ports;
    this.#owner = owner;
  }

  /** Hands a task to an agent and waits for what it comes to. */
  async dispatch(given: Json, waiting: Waiting = {}): Promise<Result<"dispatch">> {
    return this.#ofAgent(await this.#toAgent(readArguments(toolSchemas.dispatch, given)), waiting);
  }

  /** The same in a conversation. */
  async dispatchSession(given: Json, waiting: Waiting = {}): Promise<Result<"dispatch">> {
    return this.#ofAgent(
      await this.#toAgent({ ...readArguments(toolSchemas.dispatch_session, given), cache: false }),
      waiting,
    );
  }

  /** The same, for whoever wants to hear of it meanwhile. */
  async dispatchStream(given: Json, waiting: Waiting = {}): Promise<Result<"dispatch_stream">> {
    const handle = await this.#toAgent({ ...readArguments(toolSchemas.dispatch_stream, given), cache: false });
    const task = await this.#ended(handle, waiting);
    const lines = await progressOf(this.#ports, task);
    const progress = lines.length > 0 ? { progress: lines } : {};
    return { ...(await this.#answer(task, handle, progress)), ...progress };
  }

  /** Hands a task to an agent, and waits for nothing. */
  async dispatchAsync(given: Json): Promise<Result<"dispatch_async">> {
    const call = readArguments(toolSchemas.dispatch_async, given);
    const { taskId, status } = await this.#toAgent(call);
    return { job_id: jobIdOf(taskId), status: status === "succeeded" ? "done" : goingOn(status), agent: call.agent };
  }

  /** Hands tasks to agents that work at the same time, and waits for all. */
  async dispatchParallel(given: Json, waiting: Waiting = {}): Promise<Result<"dispatch_parallel">> {
    const call = readArguments(toolSchemas.dispatch_parallel, given);
    const task = await this.#ended(await dispatchToMany(this.#ports, this.#owner, call), waiting);
    if (!hasEnded(task)) return underWay(task);
    const answer = await answerOfAll(this.#ports, task);
    if (!answer || !("individual_results" in answer)) throw withoutAnswer(task);
    if (call.aggregate !== undefined) return answer;
    const { individual_results: items, ...rest } = answer;
    return { items, ...rest };
  }

  /** Lets two agents talk until one says that it is settled. */
  async dispatchDialogue(given: Json, waiting: Waiting = {}): Promise<Result<"dispatch_dialogue">> {
    const call = readArguments(toolSchemas.dispatch_dialogue, given);
    const task = await this.#ended(await dispatchDialogueOf(this.#ports, this.#owner, call), waiting);
    if (!hasEnded(task)) return underWay(task);
    const answer = await answerOfAll(this.#ports, task);
    if (!answer || !("conversation" in answer)) throw withoutAnswer(task);
    return answer;
  }

  /** How a job stands. */
  async dispatchStatus(given: Json): Promise<Job> {
    return jobRecord(this.#ports, await this.task(readArguments(toolSchemas.dispatch_status, given).job_id));
  }

  /** Waits until a job has ended, or asks something. */
  async dispatchWait(given: Json, waiting: Waiting = {}): Promise<Job> {
    const { job_id, timeout_seconds = 60 } = readArguments(toolSchemas.dispatch_wait, given);
    await this.task(job_id);
    const seconds = Math.min(MOST_SECONDS, Math.max(1, timeout_seconds));
    const { task, timedOut } = await this.#waited(job_id, seconds, waiting);
    return { ...(await jobRecord(this.#ports, task)), ...(timedOut && { timed_out_waiting: true }) };
  }

  /** Ends a job, also one that runs. */
  async dispatchCancel(given: Json): Promise<Result<"dispatch_cancel">> {
    const { job_id } = readArguments(toolSchemas.dispatch_cancel, given);
    const before = await this.task(job_id);
    const isPending = jobStatus(before.status) === "pending";
    let now: Task;
    try {
      await cancelOwn(this.#ports, this.#owner, before);
      now = (await this.#waited(job_id, CANCEL_SECONDS, {})).task;
    } catch (error) {
      if (!(error instanceof RefusedError && error.code === "task.terminal")) throw error;
      now = await this.task(job_id);
      return { job_id: jobIdOf(job_id), outcome: "already_terminal", status: jobStatus(now.status) };
    }
    const id = { job_id: jobIdOf(job_id), status: jobStatus(now.status) };
    if (!isTerminal(now.status)) return { ...id, outcome: "running", message: beingEnded };
    if (now.status !== "cancelled") return { ...id, outcome: "already_terminal", message: endedBefore };
    return isPending
      ? { ...id, outcome: "cancelled" }
      : {
          ...id,
          outcome: "cancelled_running",
          message: "it was running; its agent and all that it had started are ended",
        };
  }

  /** The newest jobs. */
  async dispatchJobs(given: Json): Promise<Result<"dispatch_jobs">> {
    return listJobs((asked) => this.page(asked), readArguments(toolSchemas.dispatch_jobs, given));
  }

  /** What a job came to, from an offset on; of one that has not ended how it stands. */
  async fetchResult(given: Json): Promise<Result<"fetch_result">> {
    const { ref, max_chars, offset = 0 } = readArguments(toolSchemas.fetch_result, given);
    const task = await this.task(ref);
    if (!hasEnded(task)) return { ...(await jobRecord(this.#ports, task)) };
    return fetchedPage(this.#ports, task, { offset, maxChars: max_chars || undefined });
  }

  #toAgent(asked: Parameters<typeof dispatchToAgent>[2]): Promise<TaskHandle> {
    return dispatchToAgent(this.#ports, this.#owner, asked);
  }

  async #ofAgent(handle: TaskHandle, waiting: Waiting): Promise<Result<"dispatch">> {
    return this.#answer(await this.#ended(handle, waiting), handle);
  }

  /** What is answered of a task, beside what the answer has already. */
  async #answer(task: Task, { cached }: TaskHandle, beside: object = {}): Promise<Result<"dispatch">> {
    if (hasEnded(task)) {
      const more = cached ? ({ cached } as const) : {};
      const room = MAX_REPLY - replySize({ ...beside, ...more });
      return { ...(await resultOfAgent(this.#ports, task, room)), ...more };
    }
    const session_id = task.conversation?.id;
    return { ...underWay(task), agent: task.profile, ...(session_id !== undefined && { session_id }) };
  }

  /** The task once it has ended, or as it stands when the call cannot wait any longer, or somebody has to answer it. */
  async #ended({ taskId }: TaskHandle, waiting: Waiting): Promise<Task> {
    return (await this.#waited(taskId, this.#ports.configuration().dispatch.waitSeconds, waiting)).task;
  }

  async #waited(taskId: string, seconds: number, { signal, tell }: Waiting) {
    const teller = tell && progressTeller(this.#ports, tell);
    return waitForTask(this.#ports, taskId, {
      timeoutSeconds: Math.min(seconds, this.#ports.longestWaitSeconds ?? seconds),
      until: ({ status }) => isTerminal(status) || status === "input_required",
      ...(signal && { signal }),
      ...(teller && { onChange: teller.see }),
    }).finally(() => teller?.end());
  }
}

const goingOn = (status: Task["status"]) => (jobStatus(status) === "pending" ? "pending" : "running");

/** What is said of a job that goes on after the call. */
function underWay(task: Task) {
  const job_id = jobIdOf(task.id);
  const hint =
    task.status === "input_required"
      ? `it asks something: dispatch_status with job_id ${job_id} shows what, send_task_input answers`
      : `it goes on: dispatch_wait with job_id ${job_id} waits on, dispatch_cancel ends it`;
  return { job_id, status: goingOn(task.status), timed_out_waiting: true, hint } as const;
}

const beingEnded = "it was told to end, and is being ended; dispatch_status says when it is over";
const endedBefore = "it had ended before it could be cancelled: its result stands";

/** One that is made of others ends with an answer; without it, it was given up. */
const withoutAnswer = ({ id, error, status }: Task): RefusedError =>
  new RefusedError("artifact.not_found", error?.message ?? `it is ${status}, and what it came to is lost`, {
    hint: `list_tasks has its parts, whose parent is ${id}`,
  });
