import { isObject } from "../../contract/json.ts";
import type { TaskResult } from "../../contract/tools/get-task-result.ts";
import type { TaskRecord } from "../../contract/tools/task-record.ts";
import { commandName } from "./command-name.ts";
import { harmless } from "./harmless.ts";
import { type Io, write } from "./io.ts";
import { answerText } from "./orchestration/answer-text.ts";
import { formatBytes, formatDuration, formatTime, oneLine, paint } from "./print.ts";
import { type Place, placeWords } from "./systems/place.ts";
import { outputText, usageWords } from "./task-text.ts";
import { hintInTerms } from "./terms.ts";

/** Files that are named at the end of a run. */
export const FEW_ARTIFACTS = 20;

type View = {
  elapsedMs: number;
  /** When it ended, if that was before anybody asked here. */
  endedAt?: string | undefined;
  /** The system that the task ran at. */
  place: Place;
  /** How many artifacts are named; default all. */
  most?: number | undefined;
  /** Only what an agent answered is shown, and why it failed. */
  quiet?: boolean | undefined;
};

/** How a task ended: an agent's answer on standard output, everything about it on standard error. */
export async function printOutcome(
  io: Io,
  record: Pick<TaskRecord, "id" | "taskType" | "usage">,
  result: TaskResult,
  { elapsedMs, endedAt, place, most = Number.POSITIVE_INFINITY, quiet = false }: View,
): Promise<void> {
  const answer =
    record.taskType === "agent.run" ? outputText(result.result) : answerText(record.taskType, result.result);
  if (answer) await write(io.stdout, harmless(io.stdout, answer.endsWith("\n") ? answer : `${answer}\n`));
  if (quiet) return;
  for (const line of artifactLines(result, most, `${commandName()} result ${record.id}${placeWords(place)}`))
    await write(io.stderr, paint(io.stderr, "dim", `› ${line}\n`));
  const said = agentWords(record, result);
  if (said) await write(io.stderr, paint(io.stderr, "dim", `› ${said}\n`));
  const when = `in ${formatDuration(elapsedMs)}${endedAt === undefined ? "" : `, on ${formatTime(endedAt)}`}`;
  await write(io.stderr, `${verdict(io, result)} ${when}${reason(result, place, record.id)}\n`);
}

function artifactLines(result: TaskResult, most: number, command: string): string[] {
  const { artifacts, lostArtifacts: lost = [], artifactsLeftOut: leftOut, resultRef } = result;
  const lines = artifacts.slice(0, most).map(({ id, name = id, uri, sizeBytes }) => {
    const size = sizeBytes === undefined ? "" : ` (${formatBytes(sizeBytes)})`;
    return `artifact ${oneLine(name)}${size}: ${oneLine(uri, 2000)}`;
  });
  const more = artifacts.length - lines.length;
  if (more > 0) lines.push(`${more} more artifacts: ${command} lists them`);
  for (const { name, reason } of lost.slice(0, most))
    lines.push(`artifact ${oneLine(name)} is lost: ${oneLine(reason, 2000)}`);
  if (lost.length > most) lines.push(`${lost.length - most} more artifacts are lost`);
  if (leftOut) lines.push(`${leftOut.count} files more than a task may keep were left out`);
  if (resultRef) lines.push(`the whole result: ${oneLine(resultRef.uri, 2000)}`);
  return lines;
}

/** How far an agent says it came, and what its models took. */
function agentWords({ taskType, usage }: Pick<TaskRecord, "taskType" | "usage">, { result }: TaskResult): string {
  if (taskType !== "agent.run") return "";
  const { outcome, needs } = isObject(result) ? result : {};
  const words = [
    typeof outcome === "string" && `outcome: ${outcome.replaceAll("_", " ")}`,
    typeof needs === "string" && `needs: ${needs}`,
    usageWords(usage),
  ];
  return oneLine(words.filter((word) => word).join(", "), 2000);
}

function verdict(io: Io, { status }: TaskResult): string {
  if (status === "succeeded") return paint(io.stderr, "green", "✔ succeeded");
  if (status === "cancelled") return paint(io.stderr, "yellow", "■ cancelled");
  return paint(io.stderr, "red", `✖ ${status}`);
}

const reason = ({ error }: TaskResult, place: Place, taskId: string): string => {
  if (!error) return "";
  const hint = error.hint ? `\nhint: ${oneLine(hintInTerms(error.hint, place, taskId), 2000)}` : "";
  return `: ${oneLine(error.message, 2000)} (${error.code})${hint}`;
};
