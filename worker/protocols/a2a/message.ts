import type { Message as A2aMessage, Part } from "@a2a-js/sdk";
import { ContentTypeNotSupportedError } from "@a2a-js/sdk/errors";
import { RefusedError } from "../../../lib/contract/errors.ts";
import type { Message } from "../../turns/conversations.ts";
import { readWishes } from "../wishes.ts";

/** Throws ContentTypeNotSupportedError for a part that no agent here can take. */
export function assertTaken({ parts }: A2aMessage): void {
  parts.forEach(textOf);
}

/** Reads a message. Throws RefusedError `input.invalid`, and what `assertTaken` throws. */
export function readMessage({ messageId, contextId, taskId, parts, metadata = {} }: A2aMessage): Message {
  const texts = parts.map(textOf).filter((each) => each.trim() !== "");
  const text = texts.join("\n");
  if (text === "") throw new RefusedError("input.invalid", "the message has no text");
  const own = { a2a: { messageId, contextId, taskId } };
  return { ...readWishes(metadata, "metadata"), text, contextId, metadata: { ...metadata, ...own } };
}

function textOf({ content, filename }: Part): string {
  if (content?.$case === "text") return content.value;
  if (content?.$case === "data") return JSON.stringify(content.value);
  if (content?.$case === "url") return content.value;
  throw new ContentTypeNotSupportedError(`${filename || "a file"} in the message: this agent takes text and data`);
}
