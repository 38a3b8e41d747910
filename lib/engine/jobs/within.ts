import { firstFitting, replySize } from "../../contract/replies/reply-size.ts";
import type { DispatchResult, ShownDialogue, ShownResult } from "../../contract/tools/jobs/dispatching.ts";
import { jobIdOf } from "../../contract/tools/jobs/fields.ts";

/** What a text has to have room for to be worth it, and what an error is kept to beside it. */
const LEAST_TEXT = 100;
const ERROR = 300;

/** A result of which a part is left out says so, and what has the whole, as far as there is room for that. */
export function within(result: DispatchResult, room: number): ShownResult {
  const { result: said, summary, parsed_result: _, error, hint, ...fields } = result;
  const text = said ?? summary ?? "";
  if (text.length <= room && replySize(result) <= room) return result;
  const ref = jobIdOf(result.task_id);
  const errors = {
    ...(error !== undefined && { error: firstFitting(error, ERROR) }),
    ...(hint !== undefined && { hint: firstFitting(hint, ERROR) }),
  };
  const { agent, success, outcome, error_type } = result;
  const ended = { agent, success, ...(outcome !== undefined && { outcome }), ...(error_type && { error_type }) };
  const rest = { truncated: true, full_size: result.size ?? result.full_size ?? text.length, ref } as const;
  for (const bare of [
    { ...fields, ...errors, ...rest },
    { ...ended, ...rest },
  ]) {
    const left = room - replySize({ ...bare, result: "" });
    if (left < Math.min(LEAST_TEXT, text.length)) continue;
    if (summary === undefined) return { ...bare, result: firstFitting(text, left) };
    const shorter = firstFitting(text, left);
    return { ...bare, summary_chars: shorter.length, summary: shorter };
  }
  const fewer: ShownResult[] = [
    { ...ended, truncated: true, ref },
    { agent, success, ...(error_type && { error_type }) },
  ];
  return fewer.find((one) => replySize(one) <= room) ?? { success };
}

type Turn = ShownDialogue["conversation"][number];

/** A turn whose message takes no more of a reply than that. */
export function turnWithin(turn: Turn, room: number): Turn {
  const message = firstFitting(turn.message, room);
  if (message === turn.message) return turn;
  return { ...turn, message, truncated: true, full_size: turn.message.length, ref: jobIdOf(turn.task_id) };
}
