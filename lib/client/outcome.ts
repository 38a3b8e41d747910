import { harmless } from "./harmless.ts";
import { type Io, write } from "./io.ts";
import { formatBytes, formatDuration, oneLine, paint } from "./print.ts";
import { outputText, type TaskOutcome, type TaskRecord } from "./reply.ts";
import { hintInTerms } from "./terms.ts";

/** Files that are named at the end of a run. */
export const FEW_ARTIFACTS = 20;

/** How a task ended: an agent's answer on standard output, everything about it on standard error. */
export async function printOutcome(
  io: Io,
  record: Pick<TaskRecord, "id" | "taskType">,
  outcome: TaskOutcome,
  elapsedMs: number,
  maxArtifacts = Number.POSITIVE_INFINITY,
): Promise<void> {
  const answer = record.taskType === "agent.run" ? outputText(outcome.result) : undefined;
  if (answer) await write(io.stdout, harmless(io.stdout, answer.endsWith("\n") ? answer : `${answer}\n`));
  for (const line of artifactLines(record.id, outcome, maxArtifacts))
    await write(io.stderr, paint(io.stderr, "dim", `› ${line}\n`));
  await write(io.stderr, `${verdict(io, outcome)} in ${formatDuration(elapsedMs)}${reason(outcome, record.id)}\n`);
}

function artifactLines(taskId: string, outcome: TaskOutcome, most: number): string[] {
  const lines = outcome.artifacts.slice(0, most).map(({ name, uri, sizeBytes }) => {
    const size = sizeBytes === undefined ? "" : ` (${formatBytes(sizeBytes)})`;
    return `artifact ${oneLine(name)}${size}: ${oneLine(uri, 2000)}`;
  });
  const more = outcome.artifacts.length - lines.length;
  if (more > 0) lines.push(`${more} more artifacts: agent-dispatch result ${taskId} lists them`);
  for (const { name, reason } of outcome.lost.slice(0, most))
    lines.push(`artifact ${oneLine(name)} is lost: ${oneLine(reason, 2000)}`);
  if (outcome.lost.length > most) lines.push(`${outcome.lost.length - most} more artifacts are lost`);
  if (outcome.leftOut > 0) lines.push(`${outcome.leftOut} files more than a task may keep were left out`);
  if (outcome.resultUri) lines.push(`the whole result: ${oneLine(outcome.resultUri, 2000)}`);
  return lines;
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
