import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { type AgentAnswer, outcomes } from "../../lib/contract/agent.ts";
import { type JsonObject, parseJsonObject } from "../../lib/contract/json.ts";
import { MAX_EVENT_BYTES, usageSchema, workerEventTypes } from "../../lib/contract/worker.ts";
import type { NewEvent } from "../output/event-log.ts";
import { clip } from "../parse.ts";
import { readOutcome } from "./outcome.ts";

const eventSchema = z.object({
  type: z.enum(workerEventTypes).default("task.progress"),
  message: z.string().optional(),
  payload: z.record(z.string(), z.unknown()).optional(),
});

const artifactSchema = z.object({
  /** A path in the artifacts folder, and nowhere else. */
  name: z
    .string()
    .min(1)
    .max(500)
    .refine((name) => !name.includes("\0") && !/^[/\\]|(^|[/\\])\.\.?([/\\]|$)|[/\\]$/.test(name)),
  content: z.string(),
});
type AnswerArtifact = z.infer<typeof artifactSchema>;

export type Answer = {
  result: AgentAnswer;
  events: unknown[];
  artifacts: AnswerArtifact[];
  usage?: Record<string, unknown>;
  /** What was malformed, and left out. */
  notes: string[];
};

const PARTS = ["output", "result", "events", "artifacts", "usage"];

/**
 * Reads what an agent printed: one JSON object with at least one of the known parts, or any other JSON object as the
 * result itself, or text.
 */
export function parseAnswer(text: string): Answer {
  const none = { events: [], artifacts: [], notes: [] };
  const object = parseObject(text);
  if (!object) return { ...none, result: answerOf({ output: text }) };
  if (!PARTS.some((part) => part in object)) return { ...none, result: answerOf({ result: object }) };
  const { output, result, events = [], artifacts = [], usage, outcome, needs } = object;
  const answer: Answer = {
    ...none,
    notes: [],
    result: answerOf({ output, result, outcome, needs }),
    events: listOf(events),
    artifacts: [],
  };
  if (!Array.isArray(events)) answer.notes.push("the events in the answer are not a list");
  if (!Array.isArray(artifacts)) answer.notes.push("the artifacts in the answer are not a list");
  for (const artifact of listOf(artifacts)) {
    const parsed = artifactSchema.safeParse(artifact);
    if (parsed.success) answer.artifacts.push(parsed.data);
    else answer.notes.push("an artifact in the answer is malformed, or its name leads elsewhere; it was left out");
  }
  const parsedUsage = usageSchema.safeParse(usage);
  if (parsedUsage.success) answer.usage = parsedUsage.data;
  else if (usage !== undefined) answer.notes.push("the usage in the answer is malformed and was left out");
  answer.notes = answer.notes.slice(0, 20);
  return answer;
}

type Said = { output?: unknown; result?: unknown; outcome?: unknown; needs?: unknown };

/** What it says of its outcome stands in fields of its own, or in the last line of its text. */
function answerOf({ output, result, outcome, needs }: Said): AgentAnswer {
  const text = typeof output === "string" ? output : output === undefined ? "" : JSON.stringify(output);
  const read = readOutcome(text);
  const said = z.enum(outcomes).safeParse(outcome);
  return {
    ...(said.success ? { output: text, outcome: said.data } : read),
    ...(typeof needs === "string" && needs !== "" && { needs: clip(needs, 4000) }),
    ...(result !== undefined && { result }),
  };
}

/** An event as a framework writes it, or undefined if it is none, or too large. */
export function readEvent(json: string): NewEvent | undefined {
  const parsed = eventSchema.safeParse(parseObject(json));
  if (!parsed.success || Buffer.byteLength(JSON.stringify(parsed.data)) > MAX_EVENT_BYTES - 512) return undefined;
  const { type, message, payload } = parsed.data;
  return { type, ...(message !== undefined && { message }), ...(payload && { payload }) };
}

/** Writes the artifacts of an answer; returns what could not be written. */
export async function writeArtifacts(folder: string, artifacts: readonly AnswerArtifact[]): Promise<string[]> {
  const notes: string[] = [];
  for (const { name, content } of artifacts) {
    try {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    } catch (error) {
      const reason = error instanceof Error && "code" in error ? error.code : error;
      notes.push(`the artifact ${clip(name, 100)} could not be written: ${reason}`);
    }
  }
  return notes.slice(0, 20);
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** What is nested deeper than any answer needs is taken as text: it could be read, but not written again. */
const MAX_DEPTH = 500;

function parseObject(text: string): JsonObject | undefined {
  const object = parseJsonObject(text);
  return object && !isTooDeep(object) ? object : undefined;
}

function isTooDeep(value: object): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []));
  }
  return false;
}
