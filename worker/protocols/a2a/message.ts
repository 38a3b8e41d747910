import type { Message as A2aMessage, Part } from "@a2a-js/sdk";
import { ContentTypeNotSupportedError } from "@a2a-js/sdk/errors";
import { RefusedError } from "../../../lib/contract/errors.ts";
import type { Message } from "../../turns/conversations.ts";
import { readWishes } from "../wishes.ts";

/** Reads a message. Throws ContentTypeNotSupportedError for a file, RefusedError `input.invalid`. */
export function readMessage({ messageId, contextId, taskId, parts, metadata = {} }: A2aMessage): Message {
  const text = parts.map(textOf).join("\n");
  if (text.trim() === "") throw new RefusedError("input.invalid", "the message has no text");
  const own = { a2a: { messageId, contextId, taskId } };
  return { ...readWishes(metadata, "metadata"), text, contextId, metadata: { ...metadata, ...own } };
}

function textOf({ content, filename }: Part): string {
  if (content?.$case === "text") return content.value;
  if (content?.$case === "data") return JSON.stringify(content.value);
  if (content?.$case === "url") return content.value;
  throw new ContentTypeNotSupportedError(`${filename || "a file"} in the message: this agent takes text and data`);
}
