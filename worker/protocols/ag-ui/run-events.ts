import { type AGUIEvent, type BaseEvent, EventType, type TokenUsage } from "@ag-ui/core";
import { questionText } from "../../../lib/contract/input-requests.ts";
import { usageSchema } from "../../../lib/contract/worker.ts";
import type { NewEvent } from "../../output/event-log.ts";
import type { TurnState } from "../../turns/turn.ts";
import type { TurnFile } from "../../turns/turn-files.ts";
import { answerOf, needsOf, reasonOf } from "../said.ts";

/** A run of AG-UI: what happens in a turn, in that protocol's events. */
export class RunEvents {
  readonly #ids: { threadId: string; runId: string };
  readonly #emit: (event: BaseEvent) => void;
  #messages = 0;
  #lastMessage = "";

  constructor({ threadId, runId }: { threadId: string; runId: string }, emit: (event: BaseEvent) => void) {
    this.#ids = { threadId, runId };
    this.#emit = emit;
  }

  begin(): void {
    this.#send({ type: EventType.RUN_STARTED, ...this.#ids });
  }

  hear({ type, message, payload = {} }: NewEvent): void {
    const text = message?.toString() ?? "";
    if (type === "agent.message") this.#message(text);
    else if (type === "agent.tool_call") this.#toolCall(payload);
    else if (type === "agent.tool_result") this.#toolResult(payload);
    // What is asked is how the run ends.
    else if (type !== "task.input_required") this.#custom(type, { ...(text !== "" && { message: text }), ...payload });
  }

  /** Tells the end, or what is asked: then with the id of the interrupt that the answer has to name. */
  end(state: TurnState): string | undefined {
    if (state.status === "input_required") return this.#interrupt(questionText(state.requests), state.requests);
    const { outcome, files } = state;
    for (const file of files) this.#custom("artifact", fileOf(file));
    const { text, data } = answerOf(outcome);
    if (text !== undefined && !this.#lastMessage.includes(text)) this.#message(text);
    const { error } = outcome;
    if (error && state.status !== "cancelled") {
      this.#send({ type: EventType.RUN_ERROR, message: reasonOf(error), code: error.code });
      return undefined;
    }
    const needs = needsOf(outcome);
    if (needs !== undefined && state.status === "succeeded") return this.#interrupt(needs);
    const usage = usageOf(outcome.usage);
    const result = data ?? text;
    this.#send({
      type: EventType.RUN_FINISHED,
      ...this.#ids,
      ...(result !== undefined && { result }),
      outcome: { type: state.status === "cancelled" ? "cancelled" : "success" },
      ...(usage && { usage: [usage] }),
    });
    return undefined;
  }

  #interrupt(message: string, metadata?: Record<string, unknown>): string {
    const id = crypto.randomUUID();
    const interrupts = [{ id, reason: "input_required", message, ...(metadata && { metadata }) }];
    this.#send({ type: EventType.RUN_FINISHED, ...this.#ids, outcome: { type: "interrupt", interrupts } });
    return id;
  }

  #message(delta: string): void {
    if (delta === "") return;
    this.#lastMessage = delta;
    const messageId = this.#newId();
    this.#send({ type: EventType.TEXT_MESSAGE_START, messageId, role: "assistant" });
    this.#send({ type: EventType.TEXT_MESSAGE_CONTENT, messageId, delta });
    this.#send({ type: EventType.TEXT_MESSAGE_END, messageId });
  }

  #toolCall({ id, name, input }: Record<string, unknown>): void {
    const toolCallId = textOf(id);
    this.#send({ type: EventType.TOOL_CALL_START, toolCallId, toolCallName: textOf(name) });
    this.#send({ type: EventType.TOOL_CALL_ARGS, toolCallId, delta: textOf(input) });
    this.#send({ type: EventType.TOOL_CALL_END, toolCallId });
  }

  #toolResult({ id, output }: Record<string, unknown>): void {
    const [toolCallId, content] = [textOf(id), textOf(output)];
    this.#send({ type: EventType.TOOL_CALL_RESULT, messageId: this.#newId(), toolCallId, content });
  }

  #custom(name: string, value: unknown): void {
    this.#send({ type: EventType.CUSTOM, name, value });
  }

  #send(event: AGUIEvent): void {
    this.#emit(event);
  }

  #newId(): string {
    this.#messages += 1;
    return `${this.#ids.runId}-${this.#messages}`;
  }
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value ?? null));

const fileOf = ({ name, contentType, sizeBytes, content }: TurnFile) => ({
  name,
  contentType,
  sizeBytes,
  ...(content ? { base64: content.toString("base64") } : { isLeftOut: true }),
});

function usageOf(given: unknown): TokenUsage | undefined {
  const { success, data } = usageSchema.safeParse(given);
  if (!success) return undefined;
  const { model, inputTokens, outputTokens } = data;
  return {
    ...(model !== undefined && { model }),
    ...(inputTokens !== undefined && { inputTokens }),
    ...(outputTokens !== undefined && { outputTokens }),
  };
}
