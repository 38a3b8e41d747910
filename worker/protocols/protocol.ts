import type { IncomingMessage, ServerResponse } from "node:http";
import type { JsonObject } from "../../lib/contract/json.ts";
import type { Session } from "../sessions/session.ts";

/** A message in a protocol, whose session is known and whose body was read. */
export type ProtocolExchange = {
  session: Session;
  body: JsonObject;
  request: IncomingMessage;
  response: ServerResponse;
  /** Aborted when the connection is closed. */
  gone: AbortSignal;
};

/** Another way to the agent of a session than the worker contract. */
export type Door = {
  /** Whether a body is one of the protocol. */
  takes(body: JsonObject): boolean;
  /** Answers it, whatever happens. The session is told so by whoever calls. */
  answer(exchange: ProtocolExchange): Promise<void>;
  /** Answers a GET of one of its pages, where it has any. */
  page?(request: IncomingMessage, response: ServerResponse): void;
};
