import type { SendMessageRequest } from "@a2a-js/sdk";
import { DefaultRequestHandler, type ServerCallContext } from "@a2a-js/sdk/server";
import { assertTaken } from "./message.ts";

/**
 * Refuses content that no agent here can take, as an error of the protocol and before anything is made of it: to an executor
 * a task is left to fail. https://a2a-protocol.org/v0.3.0/specification/#82-a2a-specific-errors
 */
export class SessionRequestHandler extends DefaultRequestHandler {
  override async sendMessage(request: SendMessageRequest, context: ServerCallContext) {
    if (request.message) assertTaken(request.message);
    return super.sendMessage(request, context);
  }

  override async *sendMessageStream(request: SendMessageRequest, context: ServerCallContext) {
    if (request.message) assertTaken(request.message);
    yield* super.sendMessageStream(request, context);
  }
}
