import type { Role } from "../../contract/orchestration/answers.ts";
import type { Dialogue } from "../../contract/orchestration/specification.ts";
import { previewText } from "../../contract/preview.ts";
import type { Json } from "../../contract/task.ts";
import { conversationBegunBy } from "../../contract/task-id.ts";
import { childId } from "./children.ts";

/** What an agent ends its message with once the topic is settled. */
const RESOLVED = "[RESOLVED]";
/** Of a message, for the other one, in UTF-16 units. */
const MAX_MESSAGE = 100_000;

/** Whether a message says that the topic is settled, with its first or its last word: one that only speaks of it does not. */
export const saysResolved = (message: string): boolean =>
  /^[\s*_`]*\[RESOLVED\]/.test(message) || /\[RESOLVED\][\s.!*_`]*$/.test(message);

/** A message without the word that says so. */
export const withoutResolved = (message: string): string =>
  message
    .replace(/^[\s*_`]*\[RESOLVED\][*_`]*/, "")
    .replace(/[*_`]*\[RESOLVED\][\s.!*_`]*$/, "")
    .trim();

/** Whose turn it is at a position, with whom it talks, and in which round. */
export function turnAt(
  dialogue: Dialogue,
  position: number,
): { role: Role; agent: string; other: string; round: number } {
  const { requester, responder } = dialogue;
  const round = Math.floor(position / 2) + 1;
  return position % 2 === 0
    ? { role: "responder", agent: responder, other: requester, round }
    : { role: "requester", agent: requester, other: responder, round };
}

/** The call of a turn, after what the other has said; each goes on with a conversation of its own. */
export async function turnCall(
  dialogue: Dialogue,
  { parent, position, said }: { parent: string; position: number; said?: string },
): Promise<Json> {
  const { agent, other, round } = turnAt(dialogue, position);
  const { goal, context, timeout_seconds } = dialogue;
  const begins = round === 1;
  return {
    runtime: agent,
    instruction: instructionOf(dialogue, { other, begins, said }),
    caller: other,
    goal,
    timeout_seconds,
    ...(begins ? { context } : { conversation: conversationBegunBy(await childId(parent, position % 2)) }),
  };
}

function instructionOf(
  { topic }: Dialogue,
  { other, begins, said }: { other: string; begins: boolean; said?: string | undefined },
): string {
  const opening =
    said === undefined
      ? `The agent "${other}" asks you about the topic below.`
      : `You asked the agent "${other}" about the topic below.`;
  return [
    ...(begins ? [`${opening} The two of you take turns until it is settled.`, `Topic:\n${topic}`] : []),
    ...(said === undefined ? [] : [`The agent "${other}" says:\n\n${previewText(said, MAX_MESSAGE)}`]),
    `Once the topic is settled and nothing is left to ask, end your message with ${RESOLVED}. Until then say what you know or find out, or ask what you need to know.`,
  ].join("\n\n");
}
