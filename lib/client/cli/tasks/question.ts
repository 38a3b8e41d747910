import { allowedText, inputRequestsOf } from "../../../contract/input-requests.ts";
import type { TaskRecord } from "../../../contract/tools/task-record.ts";
import { commandName, quote } from "../command-name.ts";
import { oneLine } from "../print.ts";
import { type Place, placeWords } from "../systems/place.ts";

/** What a task asks, and the command that answers it, in one line each. */
export function questionOf(
  { id, inputRequests = {} }: Pick<TaskRecord, "id" | "inputRequests">,
  place: Place,
  maxLength: number,
): { question: string; command: string } {
  const all = Object.entries(inputRequestsOf(inputRequests));
  const texts = all.map(([, question]) => {
    const allowed = allowedText(question);
    return `${question.params.message}${allowed === undefined ? "" : ` (${allowed})`}`;
  });
  const answers = all.map(([key]) => ` --answer ${quote(`${oneLine(key)}=`)}…`);
  return {
    question: oneLine(texts.join("; "), maxLength),
    command: `${commandName()} send-task-input ${id}${placeWords(place)}${answers.join("")}`,
  };
}
