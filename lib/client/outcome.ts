import { harmless } from "./harmless.ts";
import { type Io, write } from "./io.ts";
import { formatBytes, formatDuration, oneLine, paint } from "./print.ts";
import { outputText, type TaskOutcome, type TaskRecord } from "./reply.ts";
import { hintInTerms } from "./terms.ts";

/** How a task ended: an agent's answer on standard output, everything about it on standard error. */
export async function printOutcome(
  io: Io,
  record: Pick<TaskRecord, "id" | "taskType">,
  outcome: TaskOutcome,
  elapsedMs: number,
): Promise<void> {
  const answer = record.taskType === "agent.run" ? outputText(outcome.result) : undefined;
  if (answer) await write(io.stdout, harmless(io.stdout, answer.endsWith("\n") ? answer : `${answer}\n`));
  for (const { name, uri, sizeBytes } of outcome.artifacts) {
    const size = sizeBytes === undefined ? "" : ` (${formatBytes(sizeBytes)})`;
    await write(io.stderr, paint(io.stderr, "dim", `› artifact ${oneLine(name)}${size}: ${oneLine(uri, 2000)}\n`));
  }
  if (outcome.resultUri)
    await write(io.stderr, paint(io.stderr, "dim", `› the whole result: ${oneLine(outcome.resultUri, 2000)}\n`));
  await write(io.stderr, `${verdict(io, outcome)} in ${formatDuration(elapsedMs)}${reason(outcome, record.id)}\n`);
}

function verdict(io: Io, { status }: TaskOutcome): string {
  if (status === "succeeded") return paint(io.stderr, "green", "✔ succeeded");
  if (status === "cancelled") return paint(io.stderr, "yellow", "■ cancelled");
  return paint(io.stderr, "red", `✖ ${status}`);
}

const reason = ({ error }: TaskOutcome, taskId: string): string => {
  if (!error) return "";
  const hint = error.hint ? `\nhint: ${oneLine(hintInTerms(error.hint, taskId), 2000)}` : "";
  return `: ${oneLine(error.message, 2000)} (${error.code})${hint}`;
};
