import { isObject, type JsonObject } from "./json.ts";
import type { ResponseFormat } from "./worker.ts";

export type PromptParts = {
  /** What holds for every task of the agent. */
  instructions?: string | undefined;
  goal?: string | undefined;
  /** Who dispatched it: a name, or whatever the caller said of itself. */
  caller?: unknown;
  context?: JsonObject | undefined;
  instruction: string;
  /** The answer has to be JSON. */
  responseFormat?: ResponseFormat | undefined;
};

/**
 * What an agent reads: sections in a fixed order, each only if it was given.
 *
 * @example
 * buildPrompt({ goal: "ship it", instruction: "write the notes" });
 * // "## Goal\n\nship it\n\n## Task\n\nwrite the notes"
 */
export function buildPrompt(parts: PromptParts): string {
  const { instructions, goal, caller, context, instruction, responseFormat } = parts;
  const sections: [title: string, text: string][] = [
    ["Standing instructions", instructions?.trim() ?? ""],
    ["Goal", goal?.trim() ?? ""],
    ["Dispatched by", caller === undefined || caller === null ? "" : render(caller)],
    ["Context", context ? list(context) : ""],
    ["Task", instruction.trim()],
    ["How to end", responseFormat ? jsonProtocol(responseFormat.schema) : ""],
  ];
  return sections
    .filter(([, text]) => text !== "")
    .map(([title, text]) => `## ${title}\n\n${text}`)
    .join("\n\n");
}

/** What a prompt says of the end where the answer has to be JSON. */
export const jsonProtocol = (schema?: JsonObject): string => {
  const fits = schema ? " that fits\nthis JSON Schema" : "";
  const ends = schema ? `:\n${JSON.stringify(schema)}` : ".";
  return `You work unattended: nobody can answer a question before you have ended. Your last message has to be one JSON value${fits}, with nothing before or after it${ends}`;
};

const render = (value: unknown): string => (isObject(value) ? list(value) : scalar(value));

const list = (fields: JsonObject): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => item(name, scalar(value)))
    .join("\n");

/** Text of several lines is indented below its name, so that a line of it never reads as a section of ours. */
const item = (name: string, text: string): string =>
  text.includes("\n") ? `- ${name}:\n${text.replaceAll(/^/gm, "  ")}` : `- ${name}: ${text}`;

const scalar = (value: unknown): string => {
  if (typeof value === "string") return value.trim();
  if (typeof value === "object" && value !== null) return JSON.stringify(value, null, 2);
  return String(value);
};
