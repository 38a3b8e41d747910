import { type Message, type Part, Role, TaskState, type TaskStatus } from "@a2a-js/sdk";
import { AgentEvent, type ExecutionEventBus } from "@a2a-js/sdk/server";
import type { Problem } from "../../../lib/contract/errors.ts";
import { questionText } from "../../../lib/contract/input-requests.ts";
import type { NewEvent } from "../../output/event-log.ts";
import type { TurnEnd, TurnState } from "../../turns/turn.ts";
import { answerOf, needsOf, reasonOf, saidBy } from "../said.ts";

type Metadata = Record<string, unknown>;

const part = (content: Part["content"], mediaType: string, filename = ""): Part => ({
  content,
  mediaType,
  filename,
  metadata: undefined,
});
const textPart = (value: string): Part => part({ $case: "text", value }, "text/plain");

/** Tells whoever follows a task of A2A what becomes of a turn. */
export class Publisher {
  readonly #ids: { taskId: string; contextId: string };
  readonly #bus: ExecutionEventBus;

  constructor(ids: { taskId: string; contextId: string }, bus: ExecutionEventBus) {
    this.#ids = ids;
    this.#bus = bus;
  }

  submitted(message: Message): void {
    const { taskId: id, contextId } = this.#ids;
    const status = this.#status(TaskState.TASK_STATE_SUBMITTED);
    this.#bus.publish(
      AgentEvent.task({ id, contextId, status, artifacts: [], history: [message], metadata: message.metadata }),
    );
  }

  working(event?: NewEvent): void {
    const said = event && saidBy(event);
    if (event && said === undefined) return;
    this.#update(TaskState.TASK_STATE_WORKING, said, event && { event: event.type });
  }

  /** What the agent asks, or how its turn ended. */
  state(state: TurnState): void {
    if (state.status === "input_required") this.#asks(questionText(state.requests), { inputRequests: state.requests });
    else this.#ended(state);
  }

  #asks(question: string, metadata?: Metadata): void {
    this.#update(TaskState.TASK_STATE_INPUT_REQUIRED, question, metadata);
  }

  #ended(end: TurnEnd): void {
    this.left(end);
    const { error, usage } = end.outcome;
    const metadata = { ...(usage && { usage }), ...(error && { error }) };
    const needs = needsOf(end.outcome);
    if (end.status === "cancelled") this.#update(TaskState.TASK_STATE_CANCELED, undefined, metadata);
    else if (error) this.#update(failedState(error), reasonOf(error), metadata);
    else if (needs !== undefined) this.#asks(needs, metadata);
    else this.#update(TaskState.TASK_STATE_COMPLETED, undefined, metadata);
  }

  /** The answer and the files of a turn, as artifacts. */
  left({ outcome, files }: TurnEnd): void {
    const { text, data } = answerOf(outcome);
    const parts = [
      // To many who read it, an empty text would hide the data behind it.
      ...(text === undefined || (text === "" && data !== undefined) ? [] : [textPart(text)]),
      ...(data === undefined ? [] : [part({ $case: "data", value: data }, "application/json")]),
    ];
    if (parts.length > 0) this.#artifact("result", "result", parts);
    files.forEach(({ name, contentType, sizeBytes, content }, index) => {
      const id = `file-${index + 1}`;
      if (content) this.#artifact(id, name, [part({ $case: "raw", value: content }, contentType, name)], { sizeBytes });
      else this.#artifact(id, name, [textPart(`${name}: too long for a message`)], { sizeBytes, isLeftOut: true });
    });
  }

  #artifact(artifactId: string, name: string, parts: Part[], metadata: Metadata = {}): void {
    const artifact = { artifactId, name, description: "", parts, extensions: [], metadata };
    this.#bus.publish(
      AgentEvent.artifactUpdate({ ...this.#ids, append: false, lastChunk: true, artifact, metadata: {} }),
    );
  }

  #update(state: TaskState, said?: string, metadata: Metadata = {}): void {
    const status = this.#status(state, said, metadata);
    this.#bus.publish(AgentEvent.statusUpdate({ ...this.#ids, status, metadata }));
  }

  #status(state: TaskState, said?: string, metadata: Metadata = {}): TaskStatus {
    const message = said === undefined ? undefined : this.#message(said, metadata);
    return { state, timestamp: new Date().toISOString(), message };
  }

  #message(text: string, metadata: Metadata): Message {
    return {
      ...this.#ids,
      role: Role.ROLE_AGENT,
      messageId: crypto.randomUUID(),
      parts: [textPart(text)],
      extensions: [],
      metadata,
      referenceTaskIds: [],
    };
  }
}

/** What was never begun was not failed at. */
const failedState = ({ code }: Problem): TaskState =>
  code === "task.terminal" || code === "worker.busy" ? TaskState.TASK_STATE_REJECTED : TaskState.TASK_STATE_FAILED;
