import { InvalidInputError } from "../../contract/errors.ts";
import type { ToolArguments, ToolName, ToolResult } from "../../contract/tools/index.ts";
import type { Clarification } from "../../contract/tools/spawn-cloud-agent.ts";
import type { TaskHandle } from "../../contract/tools/task-handle.ts";
import type { ShortRecord } from "../../contract/tools/task-record.ts";
import type { CallOptions, Connection, ToolCaller } from "./caller.ts";
import { type ListOptions, listTasks } from "./pages.ts";
import { ClientTask } from "./task.ts";

type Abortable = Pick<CallOptions, "signal">;
export type RuntimeSummary = Clarification["available_runtimes"][number];

/** A spawn lacks something: `questions` says what, and by which field of the call each is answered. */
export class ClarificationError extends InvalidInputError {
  readonly clarification: Clarification;

  constructor(clarification: Clarification) {
    super(
      clarification.questions.map(({ id, question }) => ({ path: id, message: question })),
      { hint: "answer each question by the field of the call that it names" },
    );
    this.clarification = clarification;
  }
}

/**
 * A client of one system, in the cloud or on this machine. Every method throws the DispatchError that the system answered
 * with, or an AbortError where its `signal` was aborted.
 */
export class Client implements ToolCaller {
  readonly #connection: Connection;
  /** The agents that live in folders of the machine that the system runs on. */
  readonly agents: Agents;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.agents = agentsOf(this);
  }

  /** Whether the system is on this machine, whose folders and files are then its own. */
  get isLocal(): boolean {
    return this.#connection.isLocal;
  }

  /** Calls a tool by its name: what it takes and gives is said by the contract. */
  call<Name extends ToolName>(
    tool: Name,
    args: ToolArguments<Name>,
    options: CallOptions = {},
  ): Promise<ToolResult<Name>> {
    return this.#connection.call(tool, args, options);
  }

  /**
   * Hands an instruction to an agent. Under its `idempotency_key`, or one made for this call, it happens once, whatever is
   * lost on the way. Throws ClarificationError where something is missing.
   */
  async spawn(args: ToolArguments<"spawn_cloud_agent">, { signal }: Abortable = {}): Promise<ClientTask> {
    const reply = await this.call("spawn_cloud_agent", args, { signal });
    if (reply.status === "needs_clarification") throw new ClarificationError(reply);
    return this.#task(reply.taskId, reply);
  }

  /** Runs a program, or an agent, exactly as said. It happens once, as a spawn does. */
  async dispatch(args: ToolArguments<"dispatch_task">, { signal }: Abortable = {}): Promise<ClientTask> {
    const handle = await this.call("dispatch_task", args, { signal });
    return this.#task(handle.taskId, handle);
  }

  /** The task of that id; whether there is one is not asked for. */
  task(id: string): ClientTask {
    return this.#task(id);
  }

  /** The tasks that can be seen, the newest first, page after page as they are read. */
  tasks(options: ListOptions = {}): AsyncGenerator<ShortRecord> {
    return listTasks(this, options);
  }

  /** The runtime profiles that a spawn may name. */
  async runtimes({ signal }: Abortable = {}): Promise<RuntimeSummary[]> {
    // Without an instruction nothing is spawned: what is missing is asked for, with the runtimes that there are.
    const reply = await this.call("spawn_cloud_agent", { instruction: "" }, { signal });
    return reply.status === "needs_clarification" ? reply.available_runtimes : [];
  }

  /** What the adapters that are there can serve; of one provider, if one is named. */
  async capabilities({ provider, signal }: Abortable & { provider?: string } = {}) {
    return (await this.call("list_capabilities", { ...(provider !== undefined && { provider }) }, { signal })).items;
  }

  /** The accounts of the configuration, without their secrets. */
  async accounts({ signal }: Abortable = {}) {
    return (await this.call("list_account_profiles", {}, { signal })).items;
  }

  /** Whether a runtime profile could run, the default one unless one is named; nothing is started. */
  check(args: ToolArguments<"check_cloud_agent_runtime"> = {}, { signal }: Abortable = {}) {
    return this.call("check_cloud_agent_runtime", args, { signal });
  }

  /** Ends every call under way; nothing of this client keeps the process alive after that. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #task(id: string, handle?: TaskHandle): ClientTask {
    return new ClientTask(this, { id, isLocal: this.#connection.isLocal, ...(handle && { handle }) });
  }
}

type Agents = ReturnType<typeof agentsOf>;

const agentsOf = (caller: ToolCaller) => ({
  list: ({ signal }: Abortable = {}) => caller.call("list_agents", {}, { signal }),
  inspect: (args: ToolArguments<"inspect_agent">, { signal }: Abortable = {}) =>
    caller.call("inspect_agent", args, { signal }),
  add: (args: ToolArguments<"add_agent">, { signal }: Abortable = {}) => caller.call("add_agent", args, { signal }),
  update: (args: ToolArguments<"update_agent">, { signal }: Abortable = {}) =>
    caller.call("update_agent", args, { signal }),
  remove: (args: ToolArguments<"remove_agent">, { signal }: Abortable = {}) =>
    caller.call("remove_agent", args, { signal }),
});
