import { InvalidInputError } from "../contract/errors.ts";
import { defined } from "../contract/json.ts";
import { isTerminal } from "../contract/lifecycle.ts";
import type { Json, Task } from "../contract/task.ts";
import type { Typical } from "../contract/tools/agents.ts";
import { type ToolResult as Result, toolSchemas } from "../contract/tools/index.ts";
import { cacheStats, clearCache } from "./answer-cache/cache.ts";
import { Jobs } from "./jobs/jobs.ts";
import { removeEnded } from "./keeping/gc.ts";
import { usageOf } from "./ledger/usage.ts";
import { type AgentPlace, usualOf } from "./ledger/usual.ts";
import { waitForTask } from "./poll/waiting.ts";
import type { Ports } from "./ports.ts";
import { taskRecord } from "./record.ts";
import { parse, readArguments } from "./service/arguments.ts";
import { cancelOwn } from "./service/cancel.ts";
import { listCapabilities } from "./service/capabilities.ts";
import { checkRuntime } from "./service/check.ts";
import { dispatchExplicitly } from "./service/dispatch.ts";
import { type Followed, followArguments, followed } from "./service/follow.ts";
import { inspectGroup, listGroups } from "./service/groups.ts";
import { answer, steer } from "./service/input.ts";
import { readLogs } from "./service/logs.ts";
import { lastLine, progressTeller, type Tell } from "./service/progress.ts";
import { send } from "./service/send.ts";
import { shownRecord } from "./service/shown-record.ts";
import { spawn } from "./service/spawn.ts";
import { describeTask } from "./service/status.ts";
import { listSessions, ownAdmission, stopOwn } from "./service/stopping.ts";
import { TaskReader } from "./task-reader.ts";
import { standingOf } from "./tree/tree-of.ts";

export type { Caller } from "./tree/within.ts";
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

  /** The same tasks as jobs of agents. */
  get jobs(): Jobs {
    return new Jobs(this.#ports, this.#owner);
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

  /** All that was set off together with a task of the owner, and on the first page what is left of each limit of that. */
  override async tree(given: Json): Promise<Result<"get_task_tree">> {
    const page = await super.tree(given);
    const { task_id, cursor } = readArguments(toolSchemas.get_task_tree, given);
    return cursor === undefined ? { ...page, standing: await standingOf(this.#ports, await this.task(task_id)) } : page;
  }

  /** Waits until a task has ended or needs input, and tells of its progress meanwhile. */
  async wait(given: Json, { signal, tell }: Waiting = {}): Promise<Result<"wait_for_task">> {
    const { task_id, timeout_seconds: timeoutSeconds = 25 } = readArguments(toolSchemas.wait_for_task, given);
    await this.task(task_id);
    const teller = tell && progressTeller(this.#ports, tell);
    const { task, timedOut, askAgainSeconds } = await waitForTask(this.#ports, task_id, {
      timeoutSeconds,
      until: ({ status }) => isTerminal(status) || status === "input_required",
      ...(signal && { signal }),
      ...(teller && { onChange: teller.see }),
    }).finally(() => teller?.end());
    const record = await shownRecord(this.#ports, task);
    return { ...record, ...(timedOut && { timedOutWaiting: true }), ...defined({ askAgainSeconds }) };
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
    const isCrowded = waited.askAgainSeconds !== undefined;
    return { ...(await this.#followed(waited.task)), ...(isCrowded && { isCrowded }) };
  }

  /** The same of all of the owner's tasks, newest first. */
  async followAll(given: Json): Promise<{ items: Followed[]; cursor?: string }> {
    const { limit = 50, ...filter } = readArguments(toolSchemas.list_tasks, given);
    const { items, cursor } = await this.page({ limit, ...defined(filter) });
    return {
      items: items.map((task) => followed(this.#ports, task, taskRecord(task))),
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
    const { id, status, error } = await cancelOwn(this.#ports, this.#owner, await this.task(task_id), { cascade });
    return { taskId: id, status, ...(error && { error }) };
  }

  /** What runs or bills now. */
  sessions(given: Json): Promise<Result<"list_sessions">> {
    return listSessions(this.#ports, this.#owner, given);
  }

  /** Stops all of the owner's tasks, and says what was seen to be over; without a confirmation it says what it would stop. */
  stopAll(given: Json): Promise<Result<"stop_all">> {
    return stopOwn(this.#ports, this.#owner, given);
  }

  /** Pauses the admission of the owner's tasks, resumes it, or says how it stands. */
  setAdmission(given: Json): Promise<Result<"set_admission">> {
    return ownAdmission(this.#ports, this.#owner, given);
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

  /** What the owner's tasks took and cost that have ended. */
  async usage(given: Json): Promise<Result<"get_usage">> {
    return usageOf(this.#ports, this.#owner, readArguments(toolSchemas.get_usage, given));
  }

  /** Removes tasks of the owner that ended long ago, for good. */
  async removeEnded(given: Json): Promise<Result<"dispatch_gc">> {
    return removeEnded(this.#ports, this.#owner, readArguments(toolSchemas.dispatch_gc, given));
  }

  /** How many answers are kept for the same requests again, and how often they were of use. */
  async cacheStats(given: Json): Promise<Result<"cache_stats">> {
    readArguments(toolSchemas.cache_stats, given);
    return cacheStats(this.#ports, this.#owner);
  }

  /** Forgets those answers. */
  async clearCache(given: Json): Promise<Result<"cache_clear">> {
    readArguments(toolSchemas.cache_clear, given);
    return clearCache(this.#ports, this.#owner);
  }

  /** The groups of agents that are configured. */
  async groups(given: Json): Promise<Result<"list_groups">> {
    readArguments(toolSchemas.list_groups, given);
    return listGroups(this.#ports);
  }

  /** How to work with a group, what its members share, and who they are. */
  async group(given: Json): Promise<Result<"inspect_group">> {
    return inspectGroup(this.#ports, readArguments(toolSchemas.inspect_group, given).name);
  }

  /** What tasks of these agents took and cost so far, by name. */
  typical(agents: readonly AgentPlace[]): Promise<Map<string, Typical>> {
    return usualOf(this.#ports, this.#owner, agents);
  }
}
