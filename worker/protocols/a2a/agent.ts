import { TaskState } from "@a2a-js/sdk";
import {
  type AgentExecutor,
  DefaultExecutionEventBusManager,
  type ExecutionEventBus,
  type RequestContext,
  ResultManager,
  type ServerCallContext,
  type TaskStore,
} from "@a2a-js/sdk/server";
import { DispatchError } from "../../../lib/contract/errors.ts";
import type { Job } from "../../job.ts";
import { report } from "../../report.ts";
import type { Session } from "../../sessions/session.ts";
import type { Turn, TurnEnd } from "../../turns/turn.ts";
import { readMessage } from "./message.ts";
import { Publisher } from "./publisher.ts";

/** The turn that a task of A2A is in; `told` resolves once all that is to be said of it was published. */
type Ongoing = { contextId: string; turn: Turn; told: Promise<void> };
type Request = Pick<RequestContext, "taskId" | "contextId" | "userMessage" | "task">;

const cancelled: TurnEnd = { status: "cancelled", outcome: {}, files: [] };

/** The agent of a session, as A2A sees it: a task there is one turn here, or several of which each answers the one before. */
export class SessionAgent implements AgentExecutor {
  readonly buses = new DefaultExecutionEventBusManager();
  readonly #session: Session;
  readonly #ongoing = new Map<string, Ongoing>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** Does what a message says: it answers what its task asks, or is something to do. */
  async execute({ taskId, contextId, userMessage, task }: Request, bus: ExecutionEventBus): Promise<void> {
    const publisher = new Publisher({ taskId, contextId }, bus);
    if (!task) publisher.submitted(userMessage);
    const asking = this.#ongoing.get(taskId)?.turn;
    let turn: Turn;
    try {
      const message = readMessage(userMessage);
      turn = asking && (await asking.answer(message.text)) ? asking : await this.#session.say(message);
    } catch (error) {
      if (!(error instanceof DispatchError)) throw error;
      return publisher.state({ status: "failed", outcome: { error: error.problem }, files: [] });
    }
    await this.#follow({ taskId, contextId }, turn, publisher);
  }

  async cancelTask(taskId: string, bus: ExecutionEventBus): Promise<void> {
    const { turn, contextId = "" } = this.#ongoing.get(taskId) ?? {};
    const isFollowed = turn && !turn.isAsking && !turn.hasEnded;
    turn?.cancel();
    if (isFollowed) return;
    await turn?.ended();
    this.#ongoing.delete(taskId);
    new Publisher({ taskId, contextId }, bus).state(cancelled);
    bus.finished();
  }

  /** Shows the task that the control plane gave this session as one of A2A, under the same id. */
  async adopt(job: Job, store: TaskStore, context: ServerCallContext): Promise<void> {
    const { taskId, conversation } = job.task;
    if (await store.load(taskId, context)) return;
    const contextId = conversation?.id ?? taskId;
    const state = job.turn.isAsking ? TaskState.TASK_STATE_INPUT_REQUIRED : TaskState.TASK_STATE_WORKING;
    const status = { state, timestamp: new Date().toISOString(), message: undefined };
    await store.save({ id: taskId, contextId, status, artifacts: [], history: [], metadata: {} }, context);
    const bus = this.buses.createOrGetByTaskId(taskId, context);
    const results = new ResultManager(store, context);
    let saved: Promise<unknown> = Promise.resolve();
    bus.on("event", (event) => {
      saved = saved
        .then(() => results.processEvent(event))
        .catch((error) => report("a task of A2A is not kept", error));
    });
    void this.#follow({ taskId, contextId }, job.turn, new Publisher({ taskId, contextId }, bus), job)
      .then(() => saved)
      .finally(() => {
        bus.finished();
        this.buses.cleanupByTaskId(taskId, context);
      });
  }

  /** Publishes what becomes of a turn until it has ended or asks; of a job, until that has ended. */
  async #follow(
    ids: { taskId: string; contextId: string },
    turn: Turn,
    publisher: Publisher,
    job?: Job,
  ): Promise<void> {
    const { taskId, contextId } = ids;
    const told = Promise.withResolvers<void>();
    this.#ongoing.set(taskId, { contextId, turn, told: told.promise });
    publisher.working();
    const leave = turn.listen((event) => publisher.working(event));
    try {
      let state = await turn.state();
      while (job && state.status === "input_required") {
        publisher.state(state);
        await turn.goesOn();
        publisher.working();
        state = await turn.state();
      }
      const newer = this.#ongoing.get(taskId);
      if (newer && newer.turn !== turn) {
        // Another message for the same task came meanwhile: the task ends with what that one leads to.
        if (state.status !== "input_required") publisher.left(state);
        return await newer.told;
      }
      publisher.state(state);
      if (state.status !== "input_required" && !job) this.#ongoing.delete(taskId);
    } finally {
      leave();
      told.resolve();
    }
  }
}
