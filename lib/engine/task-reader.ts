import { taskNotFound } from "../contract/errors.ts";
import { defined } from "../contract/json.ts";
import { countFitting, LIST_ENDS, MAX_REPLY } from "../contract/replies/reply-size.ts";
import type { Json, Task } from "../contract/task.ts";
import { type ToolResult as Result, toolSchemas } from "../contract/tools/index.ts";
import type { ReadPorts } from "./ports.ts";
import { shortRecord } from "./record.ts";
import { readArguments } from "./service/arguments.ts";
import { readLog } from "./service/logs.ts";
import { readResult } from "./service/result.ts";
import { describeTask } from "./service/status.ts";
import { treePage } from "./tree/tree-of.ts";
import { isReached, reached } from "./tree/within.ts";

/** Pages of the store that one page of an agent is made of at most. */
const MOST_PAGES = 10;
/** By how much the clocks differ at most by which a task and one below it were made. */
const CLOCKS_MS = 3_600_000;

type Asked = Parameters<ReadPorts["store"]["list"]>[1];

/**
 * What can be read of the tasks of one owner, whether or not anything runs; another owner's task does not exist. Methods
 * throw InvalidInputError with every issue, RefusedError (`task.not_found` among them) and RetryableError.
 */
export class TaskReader {
  readonly #ports: ReadPorts;
  readonly #owner: string;

  constructor(ports: ReadPorts, owner: string) {
    this.#ports = ports;
    this.#owner = owner;
  }

  /** The record of a task as it stands. */
  async status(given: Json): Promise<Result<"get_task_status">> {
    const { task_id, events_after } = readArguments(toolSchemas.get_task_status, given);
    return describeTask(this.#ports, await this.task(task_id), events_after);
  }

  /** The tasks of the owner, newest first. */
  async list(given: Json): Promise<Result<"list_tasks">> {
    const { limit = 20, ...filter } = readArguments(toolSchemas.list_tasks, given);
    return this.#page(limit, defined(filter));
  }

  /** As many as fit into a reply; the cursor of a shorter page is that of a shorter question. */
  async #page(
    limit: number,
    filter: Omit<Parameters<ReadPorts["store"]["list"]>[1], "limit">,
  ): Promise<Result<"list_tasks">> {
    const page = await this.page({ limit, ...filter });
    const items = page.items.map(shortRecord);
    const fitting = countFitting(items, MAX_REPLY - LIST_ENDS);
    if (fitting < items.length && fitting > 0) return this.#page(fitting, filter);
    return { items, ...(page.cursor !== undefined && { cursor: page.cursor }) };
  }

  /** The output of a task, from a cursor on, as far as it is there. */
  async logs(given: Json): Promise<Result<"get_task_logs">> {
    const { task_id, cursor = 0, limit } = readArguments(toolSchemas.get_task_logs, given);
    return readLog(this.#ports, await this.task(task_id), { cursor, limit });
  }

  /** All that was set off together with a task of the owner. */
  async tree(given: Json): Promise<Result<"get_task_tree">> {
    const { task_id, cursor } = readArguments(toolSchemas.get_task_tree, given);
    return treePage(this.#ports, await this.task(task_id), cursor);
  }

  /** What a task came to. */
  async result(given: Json): Promise<Result<"get_task_result">> {
    const {
      task_id,
      artifacts_cursor: artifactsCursor = 0,
      offset,
      max_chars: maxChars,
    } = readArguments(toolSchemas.get_task_result, given);
    return readResult(this.#ports, await this.task(task_id), { artifactsCursor, offset, maxChars });
  }

  /**
   * A page of the owner's tasks, newest first, of those that are there for whoever calls. For the agent of a task a few pages of the
   * store make one, so that it may be short only where others began much since; none is asked for that is older than its task.
   */
  protected async page(asked: Asked): Promise<{ items: Task[]; cursor?: string }> {
    const { store, within } = this.#ports;
    const found: Task[] = [];
    const oldestMs = within === undefined ? 0 : Date.parse((await store.get(within))?.createdAt ?? "") - CLOCKS_MS;
    let next: { cursor?: string } | undefined = asked;
    for (let pages = within === undefined ? 1 : MOST_PAGES; next && pages > 0 && found.length < asked.limit; pages--) {
      const { items, cursor } = await store.list(this.#owner, { ...asked, ...next, limit: asked.limit - found.length });
      const own = items.filter(({ owner }) => owner === this.#owner);
      const isThere = await Promise.all(own.map((task) => isReached(this.#ports, task)));
      found.push(...own.filter((_, at) => isThere[at]));
      const isPast = items.some(({ createdAt }) => Date.parse(createdAt) < oldestMs);
      next = cursor === undefined || isPast ? undefined : { cursor };
    }
    return { items: found, ...next };
  }

  /** The owner's task. */
  protected async task(id: string): Promise<Task> {
    const task = await this.#ports.store.get(id);
    if (!task || task.owner !== this.#owner) throw taskNotFound(id);
    return reached(this.#ports, task);
  }
}
