import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { jsonProtocol } from "../../lib/contract/prompt.ts";
import { Conversation } from "../conversation/conversation.ts";
import { jobEnv } from "../job-env.ts";
import type { Capture } from "../output/capture.ts";
import { captureOf, keepFile, keepOutput } from "../output/keep-output.ts";
import { invalidInput } from "../parse.ts";
import { processFailure } from "../processes/exit-problem.ts";
import { type ProcessEnd, runProcess } from "../processes/run-process.ts";
import { previewOf } from "../result.ts";
import type { JobContext, Outcome } from "../runner.ts";
import { parseAnswer, readEvent, writeArtifacts } from "./answer.ts";
import { EventLines } from "./event-lines.ts";
import type { AgentTask, Framework } from "./framework.ts";
import { outcomeProtocol } from "./outcome.ts";

/** An answer longer than this is kept as a file and never held in memory. */
const MAX_ANSWER_LENGTH = 8 * 1024 * 1024;

/**
 * Any program as a framework. It reads the task as one line of JSON on stdin and prints its answer: text, or one JSON object
 * `{output, result, outcome, needs, events, artifacts, usage}`. On stderr, a line `@event {"type","message","payload"}` is an
 * event, at once; any other line is log.
 */
export function commandFramework([file = "", ...args]: readonly string[]): Framework {
  return async (task, job) => {
    const folder = await job.conversation?.folder(task.framework);
    const answer = new Answer();
    const lines = new EventLines(
      (text) => job.log.write("stderr", text),
      (line) => publish(job, line),
    );
    const stdout = captureOf(job, "stdout.log", (text) => answer.add(text));
    const stderr = captureOf(job, "stderr.log", (text) => lines.write(text));
    const own = folder === undefined ? {} : { [environmentVariables.conversationDir]: folder };
    const spec = {
      file,
      args,
      cwd: job.folder.workspace,
      env: jobEnv(job, own),
      stdin: jsonLine({ ...task, protocol: protocolOf(task) }),
      stdout,
      stderr,
    };
    const end = await runProcess(spec, job);
    await stdout.end();
    lines.end();
    if (folder !== undefined) await keepFolder(job, task.framework, folder);
    await keepOutput(job, { "stderr.log": stderr });
    const outcome = answer.isTooLong ? await keepAnswer(job, stdout, answer) : await readAnswer(job, answer.text);
    return withFailure(outcome, end, file, stderr);
  };
}

/** What the command left in its folder is all that its next turn has of this one. */
async function keepFolder({ conversation }: JobContext, framework: string, folder: string): Promise<void> {
  const files = await Conversation.filesOf(folder);
  if (files.length > 0) await conversation?.keep(framework, conversation.id, files);
}

/** The answer as it comes, up to a length; of a longer one its beginning. */
class Answer {
  text = "";
  isTooLong = false;

  add(text: string): void {
    if (this.isTooLong) return;
    this.text += text;
    if (this.text.length <= MAX_ANSWER_LENGTH) return;
    this.isTooLong = true;
    this.text = Buffer.from(this.text.slice(0, 8000)).toString();
  }
}

const protocolOf = ({ responseFormat }: AgentTask): string =>
  responseFormat ? jsonProtocol(responseFormat.schema) : outcomeProtocol;

function jsonLine(task: AgentTask & { protocol: string }): string {
  try {
    return `${JSON.stringify(task)}\n`;
  } catch (cause) {
    throw invalidInput("input", "is nested too deeply", cause);
  }
}

/** False when the line is no event after all, so that it becomes log. */
function publish(job: JobContext, line: string): boolean {
  const event = readEvent(line);
  if (!event) return false;
  if (event.type !== "task.log") job.emit(event);
  else job.log.write(event.payload?.stream === "stdout" ? "stdout" : "stderr", `${event.message ?? ""}\n`);
  return true;
}

async function readAnswer(job: JobContext, text: string): Promise<Outcome> {
  if (text.trim() === "") return {};
  const answer = parseAnswer(text);
  for (const event of answer.events) {
    if (!publish(job, JSON.stringify(event))) job.log.note("an event in the answer is malformed and was left out");
  }
  for (const note of await writeArtifacts(job.folder.artifacts, answer.artifacts)) job.log.note(note);
  for (const note of answer.notes) job.log.note(note);
  const { usage } = answer;
  const conversation = job.task.conversation?.id;
  return {
    result: { ...answer.result, ...(usage && { usage }), ...(conversation !== undefined && { conversation }) },
    ...(usage && { usage }),
  };
}

async function keepAnswer(job: JobContext, stdout: Capture, answer: Answer): Promise<Outcome> {
  const { problem, isFilled, file } = stdout.spool;
  if (problem !== undefined) job.log.note(`the answer is not complete: ${problem}`);
  const isKept = isFilled && (await keepFile(job, file, "result.txt"));
  return { result: previewOf({ output: answer.text, outcome: null }, isKept ? "result.txt" : undefined) };
}

/** What a failed agent answered is kept beside the reason. */
function withFailure(outcome: Outcome, end: ProcessEnd, file: string, stderr: Capture): Outcome {
  const error = processFailure(end, file, "task.agent_error", stderr.lastLine);
  return error ? { ...outcome, error } : outcome;
}
