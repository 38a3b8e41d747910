import { isObject, type JsonObject } from "../contract/json.ts";

/** Most messages in one batch, so that the answers to all of them fit into one reply. */
const MAX_BATCH = 20;

type Answers = {
  /** Answers one message, as if it had come alone. */
  one(message: JsonObject): Promise<Response>;
  /** A refusal of one message, or of the whole batch. */
  refuse(message: string, id?: unknown): Response;
};

/**
 * Whether a caller may send batches: the revision 2025-03-26 alone has them, and it sends no header with its name.
 * https://modelcontextprotocol.io/specification/2025-03-26/basic/transports#sending-messages-to-the-server
 */
export const mayBatch = ({ headers }: Request): boolean =>
  (headers.get("mcp-protocol-version") ?? "2025-03-26") === "2025-03-26";

/** Answers the messages of a batch side by side, in one list; with 202 when none of them wants an answer. */
export async function answerBatch(messages: readonly unknown[], { one, refuse }: Answers): Promise<Response> {
  if (messages.length === 0 || messages.length > MAX_BATCH)
    return refuse(`A batch must hold 1 to ${MAX_BATCH} messages`);
  const responses = await Promise.all(
    messages.map((message) => {
      if (!isObject(message)) return refuse("Every message of a batch must be an object");
      return message.method === "initialize" ? refuse("initialize must come alone", message.id) : one(message);
    }),
  );
  const texts = await Promise.all(responses.map((response) => response.text()));
  const answers = texts.filter((text) => text !== "");
  if (answers.length === 0) return new Response(null, { status: 202 });
  return new Response(`[${answers.join(",")}]`, { headers: { "content-type": "application/json" } });
}
