import type { Configuration } from "../../../contract/configuration.ts";
import type { ErrorCode } from "../../../contract/error-codes.ts";
import { DispatchError, type Problem } from "../../../contract/errors.ts";
import type { Task } from "../../../contract/task.ts";
import { workerEnvironment } from "../../worker-environment.ts";
import type { Clients } from "../account/clients.ts";
import { logGroupOf, qualifierOf } from "../place.ts";
import type { RuntimeRef } from "../resources.ts";
import { lastLines } from "./runtime-logs.ts";

/** Failures whose reason only the container's own output tells. */
const unexplained: readonly ErrorCode[] = [
  "worker.start_failed",
  "worker.unavailable",
  "worker.outcome_unknown",
  "worker.failed",
];
/** Of the lines as JSON, so that an error with them fits wherever one may go. */
const MAX_BYTES = 4096;
/** Shorter values are words that any text may have. */
const MIN_HIDDEN = 4;

type Where = { clients: Clients; configuration: Configuration; task: Task; runtime: RuntimeRef };

/** Does what starts a worker; the error with which that fails has what the container printed last, if that can be read. */
export async function orLastWords<T>(where: Where, start: (runtime: RuntimeRef) => Promise<T>): Promise<T> {
  try {
    return await start(where.runtime);
  } catch (error) {
    throw await withLastWords(error, where);
  }
}

async function withLastWords(error: unknown, where: Where): Promise<unknown> {
  if (!(error instanceof DispatchError) || !unexplained.includes(error.code)) return error;
  const { message, hint, details } = await explained(error.problem, where);
  return error.with({ message, hint, details });
}

async function explained(problem: Problem, { clients, configuration, task, runtime }: Where): Promise<Problem> {
  const logGroup = logGroupOf(runtime.id, qualifierOf(task));
  const hidden = secretsOf(configuration, task);
  // A runtime that could not be made was sent nothing.
  const hasSession = task.target.mode === "session" || problem.code !== "worker.start_failed";
  const read = await lastLines(clients.logs(runtime.region), task, runtime, hasSession);
  const lastLogLines = lastThatFit(read.map((line) => hide(line, hidden)));
  const details = { ...problem.details, logGroup };
  // Of a runtime that is made for the task the log is deleted with it.
  const isKept = task.target.mode === "session";
  if (lastLogLines.length > 0)
    return {
      ...problem,
      message: `${problem.message}; it printed last: ${lastLogLines.at(-1)?.slice(0, 300)}`,
      hint: `details.lastLogLines is what the container printed last${isKept ? `; the log group ${logGroup} has all of it` : ""}`,
      details: { ...details, lastLogLines },
    };
  if (isKept || problem.code === "worker.start_failed") return { ...problem, details };
  const hint =
    "nothing that the container printed could be read (logs:FilterLogEvents must be allowed), and its log is deleted " +
    "with the runtime; a runtime of your own with this image, used in mode session, keeps it";
  return { ...problem, hint, details };
}

function lastThatFit(lines: string[]): string[] {
  const kept: string[] = [];
  let bytes = 0;
  for (const line of lines.toReversed()) {
    const cut = bytes === 0 ? shortened(line) : line;
    bytes += sizeOf(cut);
    if (bytes > MAX_BYTES) break;
    kept.unshift(cut);
  }
  return kept;
}

const sizeOf = (line: string): number => Buffer.byteLength(JSON.stringify(line));

/** The beginning of a line that is too long: there an error says what it is. */
function shortened(line: string): string {
  let cut = line.slice(0, MAX_BYTES);
  while (sizeOf(cut) > MAX_BYTES) cut = cut.slice(0, Math.floor(cut.length * 0.8));
  return cut;
}

/** What we gave the container as environment, by name; a container that prints its environment must not pass it on. */
const secretsOf = (configuration: Configuration, task: Task): [string, string][] =>
  Object.entries({ ...workerEnvironment(configuration, task), ...task.env })
    .flatMap(([name, value]) => value.split(/\r?\n/).map((part): [string, string] => [name, part.trim()]))
    .filter(([, part]) => part.length >= MIN_HIDDEN)
    .sort(([, one], [, other]) => other.length - one.length);

const hide = (line: string, secrets: [string, string][]): string =>
  secrets.reduce((text, [name, value]) => text.replaceAll(value, () => `[${name}]`), line);
