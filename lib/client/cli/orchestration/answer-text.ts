import {
  type AgentResult,
  type DialogueAnswer,
  dialogueAnswer,
  type ParallelAnswer,
  parallelAnswer,
} from "../../../contract/orchestration/answers.ts";

/** What several agents came to, or said, as a person reads it; undefined of a task that is made of no others. */
export function answerText(taskType: string, result: unknown): string | undefined {
  if (taskType === "parallel.run") return read(parallelAnswer.safeParse(result).data, parallelText);
  if (taskType === "dialogue.run") return read(dialogueAnswer.safeParse(result).data, dialogueText);
  return undefined;
}

const read = <T>(answer: T | undefined, text: (answer: T) => string): string | undefined => answer && text(answer);

const parallelText = ({ individual_results: all, aggregated }: ParallelAnswer): string =>
  [
    ...all.map((one, at) => resultText(`${at + 1}. ${one.agent}`, one)),
    ...(aggregated ? [resultText("All", aggregated)] : []),
  ].join("\n\n");

function resultText(title: string, { success, result, summary, ref, error, status, cached }: AgentResult): string {
  const said = [
    result ?? summary ?? "",
    ref === undefined ? "" : `(the whole: result ${ref})`,
    success ? "" : (error ?? ""),
  ];
  const how = cached ? `${status}, by the answer of an earlier task` : status;
  return [`## ${title}: ${how}`, ...said.filter((text) => text.trim() !== "")].join("\n");
}

const dialogueText = ({ conversation, resolved, rounds }: DialogueAnswer): string =>
  [
    ...conversation.map(({ agent, message, error }) => `## ${agent}\n${message || (error ?? "")}`),
    `${resolved ? "resolved" : "not resolved"} after ${rounds} rounds`,
  ].join("\n\n");
