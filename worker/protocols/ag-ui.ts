import type { ServerResponse } from "node:http";
import { EventType } from "@ag-ui/core";
import { EventEncoder } from "@ag-ui/encoder";
import * as z from "zod";
import { factsOf } from "../../lib/contract/error-codes.ts";
import { DispatchError, RefusedError, toProblem } from "../../lib/contract/errors.ts";
import { parse } from "../parse.ts";
import { report } from "../report.ts";
import { sendJson } from "../send-json.ts";
import type { Session } from "../sessions/session.ts";
import type { Turn } from "../turns/turn.ts";
import { RunEvents } from "./ag-ui/run-events.ts";
import { follow } from "./follow.ts";
import { perSession } from "./per-session.ts";
import type { Door, ProtocolExchange } from "./protocol.ts";
import { readWishes } from "./wishes.ts";

const part = z.looseObject({ type: z.string(), text: z.string().optional() });
/** What of a run's input is used here. https://docs.ag-ui.com/concepts/agents */
const inputSchema = z.looseObject({
  threadId: z.string().min(1).max(500),
  runId: z.string().min(1).max(500),
  messages: z.array(z.looseObject({ role: z.string(), content: z.union([z.string(), z.array(part)]).nullish() })),
  context: z.array(z.object({ description: z.string(), value: z.string() })).nullish(),
  forwardedProps: z.unknown(),
  resume: z
    .array(z.looseObject({ interruptId: z.string(), status: z.enum(["resolved", "cancelled"]), payload: z.unknown() }))
    .nullish(),
});
type Input = z.infer<typeof inputSchema>;

/** Turns that ask, by the interrupt that says so. */
type Asking = Map<string, Turn>;

/**
 * AG-UI: each run is a turn, as events. To close the connection is how a client ends a run.
 * https://docs.ag-ui.com/concepts/events
 */
export function agUiDoor(): Door {
  const askingIn = perSession((): Asking => new Map());
  return {
    takes: (body) => "threadId" in body || "runId" in body || "messages" in body,
    answer: (exchange) => answer(exchange, askingIn(exchange.session)),
  };
}

async function answer({ session, body, response, gone }: ProtocolExchange, asking: Asking): Promise<void> {
  let input: Input;
  let turn: Turn;
  try {
    input = parse(inputSchema, body);
    turn = await turnOf(session, input, asking);
  } catch (error) {
    return refuse(response, error);
  }
  const encoder = new EventEncoder();
  response.writeHead(200, { "content-type": encoder.getContentType(), "cache-control": "no-cache" });
  const run = new RunEvents(input, (event) => {
    if (!response.destroyed) response.write(encoder.encodeSSE(event));
  });
  run.begin();
  const interrupt = run.end(await follow(turn, gone, (event) => run.hear(event)));
  if (interrupt !== undefined) asking.set(interrupt, turn);
  response.end();
}

/** What a run goes on with: the turn whose question it answers, or what its last message says. */
async function turnOf(session: Session, { threadId, runId, ...input }: Input, asking: Asking): Promise<Turn> {
  const [resumed] = input.resume ?? [];
  const asked = resumed && asking.get(resumed.interruptId);
  if (resumed) {
    asking.delete(resumed.interruptId);
    if (!asked)
      throw new RefusedError("input.invalid", `no run waits for the interrupt ${resumed.interruptId.slice(0, 100)}`);
    if (resumed.status === "cancelled") {
      asked.cancel();
      return asked;
    }
    const text = textOfPayload(resumed.payload);
    if (await asked.answer(text)) return asked;
    return session.say({ text, contextId: threadId, ...readWishes(input.forwardedProps, "forwardedProps") });
  }
  const last = input.messages.findLast(({ role }) => role === "user");
  const text =
    typeof last?.content === "string" ? last.content : (last?.content ?? []).map(({ text = "" }) => text).join("");
  if (text.trim() === "") throw new RefusedError("input.invalid", "the run has no message of a user with text");
  const context = Object.fromEntries((input.context ?? []).map(({ description, value }) => [description, value]));
  return session.say({
    ...readWishes(input.forwardedProps, "forwardedProps"),
    text,
    contextId: threadId,
    ...(Object.keys(context).length > 0 && { context }),
    metadata: { agUi: { threadId, runId } },
  });
}

const textOfPayload = (payload: unknown): string =>
  typeof payload === "string" ? payload : JSON.stringify(payload ?? null);

/** What is no run is refused before a stream begins. */
function refuse(response: ServerResponse, error: unknown): void {
  if (!(error instanceof DispatchError)) report("a run of AG-UI failed", error);
  const problem = toProblem(error);
  const { code, message } = problem;
  sendJson(response, factsOf(code).httpStatus, { type: EventType.RUN_ERROR, message, code, error: problem });
}
