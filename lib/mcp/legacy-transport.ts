import { ResourceNotFoundError, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";

/** https://modelcontextprotocol.io/specification/2025-11-25/server/resources#error-handling */
const RESOURCE_NOT_FOUND = -32_002;

/** Answers one message of a revision of 2025 with JSON, and with the codes of errors that those revisions have. */
export class LegacyTransport extends WebStandardStreamableHTTPServerTransport {
  constructor() {
    super({ enableJsonResponse: true });
  }

  /** The SDK says in every revision that a resource is missing as 2026-07-28 does. */
  override send(...[message, options]: Parameters<WebStandardStreamableHTTPServerTransport["send"]>): Promise<void> {
    if (!("error" in message)) return super.send(message, options);
    const { code, message: text, data } = message.error;
    const isMissing = ResourceNotFoundError.fromError(code, text, data) instanceof ResourceNotFoundError;
    return super.send(
      isMissing ? { ...message, error: { ...message.error, code: RESOURCE_NOT_FOUND } } : message,
      options,
    );
  }
}
