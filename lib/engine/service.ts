import { InvalidInputError } from "../contract/errors.ts";
import { defined } from "../contract/json.ts";
import { isTerminal } from "../contract/lifecycle.ts";
import type { Json, Task } from "../contract/task.ts";
import type { Typical } from "../contract/tools/agents.ts";
import { type ToolResult as Result, toolSchemas } from "../contract/tools/index.ts";
import { admitLater } from "./admission/admission.ts";
import { cancelTask } from "./cancellation.ts";
import { waitForTask } from "./poll/waiting.ts";
import type { Ports } from "./ports.ts";
import { taskRecord } from "./record.ts";
import { parse, readArguments } from "./service/arguments.ts";
import { listCapabilities } from "./service/capabilities.ts";
import { checkRuntime } from "./service/check.ts";
import { dispatchExplicitly } from "./service/dispatch.ts";
import { type Followed, followArguments, followed } from "./service/follow.ts";
import { answer, steer } from "./service/input.ts";
import { readLogs } from "./service/logs.ts";
import { lastLine, progressTeller, type Tell } from "./service/progress.ts";
import { send } from "./service/send.ts";
import { shownRecord } from "./service/shown-record.ts";
import { spawn } from "./service/spawn.ts";
import { describeTask } from "./service/status.ts";
import { type AgentPlace, typicalOf } from "./service/typical.ts";
import { TaskReader } from "./task-reader.ts";

export type { Followed };

/** Whoever waits for an answer. */
export type Waiting = {
  /** Aborted when the caller has gone. */
  signal?: AbortSignal | undefined;
  /** Hears how far the work is. */
  tell?: Tell | undefined;
};

/**
 * All that can be done with the tasks of one owner. Every door goes through it, with the arguments as the caller wrote them:
 * they are read here, by the schemas of the contract. Another owner's task does not exist. Methods throw InvalidInputError
 * with every issue, RefusedError (`task.not_found` among them) and RetryableError.
 *
 * @example
 * const { taskId } = await new TaskService(ports, "local").dispatch({ provider: "local", ... });
 */
export class TaskService extends TaskReader {
  readonly #ports: Ports;
  readonly #owner: string;

  constructor(ports: Ports, owner: string) {
    super(ports, owner);
    this.#ports = ports;
    this.#owner = owner;
  }

  /** Hands an instruction to an agent, or asks for what is missing. */
  spawn(given: Json): Promise<Result<"spawn_cloud_agent">> {
    return spawn(this.#ports, this.#owner, given);
  }

  /** Dispatches a task with everything said explicitly. */
  dispatch(given: Json): Promise<Result<"dispatch_task">> {
    return dispatchExplicitly(this.#ports, this.#owner, given);
  }

  /** Says whether an agent task could run, before one is dispatched. */
  check(given: Json): Promise<Result<"check_cloud_agent_runtime">> {
    return checkRuntime(this.#ports, given);
  }

  /** The output of a task, from a cursor on; where nothing is new, it may be waited for. */
  override async logs(given: Json, { signal }: Waiting = {}): Promise<Result<"get_task_logs">> {
    const {
      task_id,
      cursor = 0,
      limit,
      wait_seconds: waitSeconds = 0,
    } = readArguments(toolSchemas.get_task_logs, given);
    return readLogs(this.#ports, await this.task(task_id), { cursor, limit, waitSeconds, signal });
  }

  /** Waits until a task has ended or needs input, and tells of its progress meanwhile. */
  async wait(given: Json, { signal, tell }: Waiting = {}): Promise<Result<"wait_for_task">> {
    const { task_id, timeout_seconds: timeoutSeconds = 25 } = readArguments(toolSchemas.wait_for_task, given);
    await this.task(task_id);
    const teller = tell && progressTeller(this.#ports, tell);
    const { task, timedOut } = await waitForTask(this.#ports, task_id, {
      timeoutSeconds,
      until: ({ status }) => isTerminal(status) || status === "input_required",
      ...(signal && { signal }),
      ...(teller && { onChange: teller.see }),
    }).finally(() => teller?.end());
    const record = await shownRecord(this.#ports, task);
    return timedOut ? { ...record, timedOutWaiting: true } : record;
  }

  /**
   * How a task of the owner stands, for a client that looks again and again; with `wait_seconds` once it has ended, or when
   * that time is over.
   */
  async follow(given: Json, { signal }: Waiting = {}): Promise<Followed> {
    const { task_id, wait_seconds: timeoutSeconds = 0 } = parse(followArguments, given);
    const task = await this.task(task_id);
    if (timeoutSeconds <= 0 || isTerminal(task.status)) return this.#followed(task);
    const until = ({ status }: Task) => isTerminal(status);
    const waited = await waitForTask(this.#ports, task_id, { timeoutSeconds, until, ...(signal && { signal }) });
    return this.#followed(waited.task);
  }

  /** The same of all of the owner's tasks, newest first. */
  async followAll(given: Json): Promise<{ items: Followed[]; cursor?: string }> {
    const { limit = 50, ...filter } = readArguments(toolSchemas.list_tasks, given);
    const { items, cursor } = await this.#ports.store.list(this.#owner, { limit, ...defined(filter) });
    const own = items.filter(({ owner }) => owner === this.#owner);
    return {
      items: own.map((task) => followed(this.#ports, task, taskRecord(task))),
      ...(cursor !== undefined && { cursor }),
    };
  }

  async #followed(task: Task): Promise<Followed> {
    const record = await describeTask(this.#ports, task, undefined);
    // Whole, also where a record leaves parts out: they are answered by it.
    const asked = task.status === "input_required" && { inputRequests: task.inputRequests };
    const prints = task.status === "running" && task.logLength > 0 && task.progress?.message === undefined;
    const line = prints ? await lastLine(this.#ports, task.id, task.logLength) : undefined;
    return { ...followed(this.#ports, task, { ...record, ...asked }), ...defined({ lastLine: line }) };
  }

  /** Ends a task that has not ended by itself. */
  async cancel(given: Json): Promise<Result<"cancel_task">> {
    const { task_id, cascade = true } = readArguments(toolSchemas.cancel_task, given);
    const { id, status, error, conversation } = await cancelTask(this.#ports, await this.task(task_id), { cascade });
    // One that waited with its turn, for a slot, keeps those behind it no longer.
    if (status === "cancelled" && conversation) await admitLater(this.#ports, this.#owner);
    return { taskId: id, status, ...(error && { error }) };
  }

  /**
   * Answers what a task asks (`responses`), or steers its agent (`message`). With `ignoresOver`, answers to what is not asked
   * any more are left out, as a task of MCP wants it.
   */
  async input(
    given: Json,
    { ignoresOver }: Waiting & { ignoresOver?: boolean } = {},
  ): Promise<Result<"send_task_input">> {
    const { task_id, responses, message } = readArguments(toolSchemas.send_task_input, given);
    if ((responses === undefined) === (message === undefined))
      throw new InvalidInputError([{ path: "responses", message: "give responses or a message, one of both" }]);
    if (responses && Object.keys(responses).length === 0 && !ignoresOver)
      throw new InvalidInputError([{ path: "responses", message: "must have an answer, by its key of inputRequests" }]);
    const task = await this.task(task_id);
    return message === undefined
      ? answer(this.#ports, task, responses ?? {}, { ignoresOver })
      : steer(this.#ports, task, message);
  }

  /** Says something to the agent of a task that runs, or asks. */
  async send(given: Json, { signal }: Waiting = {}): Promise<Result<"a2a_send">> {
    const { task_id, text, timeout_seconds: timeoutSeconds = 25 } = readArguments(toolSchemas.a2a_send, given);
    return send(this.#ports, await this.task(task_id), { text, timeoutSeconds, signal });
  }

  /** The providers of the configured accounts. */
  async providers(given: Json): Promise<Result<"list_providers">> {
    readArguments(toolSchemas.list_providers, given);
    const served = new Set(Object.values(this.#ports.backends).map(({ provider }) => provider));
    const configured = Object.values(this.#ports.configuration().accounts).map(({ provider }) => provider);
    return { items: [...new Set(configured)].filter((provider) => served.has(provider)).sort() };
  }

  /** What each registered adapter serves. */
  async capabilities(given: Json): Promise<Result<"list_capabilities">> {
    return listCapabilities(this.#ports, readArguments(toolSchemas.list_capabilities, given).provider);
  }

  /** The configured account profiles, without any secret. */
  async accounts(given: Json): Promise<Result<"list_account_profiles">> {
    readArguments(toolSchemas.list_account_profiles, given);
    const accounts = Object.entries(this.#ports.configuration().accounts);
    return {
      items: accounts.map(([name, { provider, region, credentialSource }]) => ({
        name,
        provider,
        ...(region !== undefined && { region }),
        credentialSource,
      })),
    };
  }

  /** What tasks of these agents took and cost so far, by name. */
  typical(agents: readonly AgentPlace[]): Promise<Map<string, Typical>> {
    return typicalOf(this.#ports, this.#owner, agents);
  }
}
