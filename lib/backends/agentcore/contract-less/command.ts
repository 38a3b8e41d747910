import {
  type DispatchError,
  InvalidInputError,
  MayHaveRunError,
  type Problem,
  problem,
  RefusedError,
} from "../../../contract/errors.ts";
import { DEFAULT_COMMAND_SECONDS } from "../../../contract/limits.ts";
import type { Json } from "../../../contract/task.ts";
import { type CommandResult, commandInputSchema } from "../../../contract/worker.ts";
import type { JobEnd } from "../../adapter.ts";
import { checkLast, untilDelivered } from "../delivery.ts";
import { qualifierOf } from "../place.ts";
import { sessionIdOf } from "../session-id.ts";
import type { ContractLessCall } from "./call.ts";
import { explainCall } from "./failure.ts";

/** How much sooner a command is ended than its call, so that its end can be told. */
const SPARE_SECONDS = 5;
/** https://docs.aws.amazon.com/bedrock-agentcore/latest/APIReference/API_InvokeAgentRuntimeCommand.html */
const MAX_SECONDS = 3600;
const MAX_LENGTH = 65_536;

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * The line that AgentCore runs for a command: it splits words as a shell does and runs no shell, and gives a standard
 * input that never ends. Throws DispatchError for what such a line cannot carry, or a call of `holdSeconds` cannot.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-execute-command.html
 *
 * @example commandLineOf({ command: "ls -l" }, undefined, 3600).line // /bin/bash -c 'exec </dev/null; exec "$@"' bash ls -l
 */
export function commandLineOf(
  input: Json,
  env: Record<string, string> | undefined,
  holdSeconds: number,
): { line: string; seconds: number } {
  const parsed = commandInputSchema.safeParse(input);
  if (!parsed.success)
    throw new InvalidInputError(
      parsed.error.issues.map(({ path, message }) => ({ path: ["input", ...path].join("."), message })),
    );
  const { command, args = [], shell, cwd, stdin } = parsed.data;
  const mostSeconds = Math.min(MAX_SECONDS, holdSeconds);
  const timeoutSeconds = parsed.data.timeoutSeconds ?? Math.min(DEFAULT_COMMAND_SECONDS, mostSeconds);
  if (stdin !== undefined || parsed.data.env || env)
    throw notHere("its text is logged, so it carries no stdin and env");
  if (timeoutSeconds > mostSeconds) throw notHere(`it lasts ${mostSeconds} s at most`);
  const go = `exec </dev/null; ${cwd === undefined ? "" : `cd -- ${quoted(cwd)} || exit 126; `}`;
  const words = args.map(quoted);
  const line = shell
    ? ["/bin/bash -c", quoted(go + command), "bash", ...words].join(" ")
    : ["/bin/bash -c", quoted(`${go}exec "$@"`), "bash", command, ...words].join(" ");
  if (line.length > MAX_LENGTH) throw notHere(`it is ${MAX_LENGTH} characters long at most`);
  return { line, seconds: Math.ceil(timeoutSeconds) };
}

const notHere = (why: string): DispatchError =>
  new RefusedError("adapter.unsupported", `a command on a runtime without the worker contract: ${why}`, {
    hint: "run it on a runtime with the worker of this project",
  });

/** Runs a command beside the agent of a session, once. However it ends, its result says so as data. */
export async function runCommand(call: ContractLessCall): Promise<JobEnd> {
  const { clients, task, runtime, job, maxSeconds, signal: abortSignal } = call;
  const { line, seconds } = commandLineOf(job.input, job.env, maxSeconds);
  const heldSeconds = Math.max(1, maxSeconds - SPARE_SECONDS);
  const timeout = Math.min(seconds, Math.ceil(job.limits.timeoutSeconds), heldSeconds);
  const startedAt = performance.now();
  const counts = { stdout: 0, stderr: 0 };
  try {
    const { once, InvokeAgentRuntimeCommandCommand } = await clients.dataPlane(runtime.region);
    const command = new InvokeAgentRuntimeCommandCommand({
      agentRuntimeArn: runtime.arn,
      qualifier: qualifierOf(task),
      runtimeSessionId: sessionIdOf(task),
      contentType: "application/json",
      accept: "application/vnd.amazon.eventstream",
      body: { command: line, timeout },
    });
    checkLast(command, call.beforeSend);
    const { stream = [] } = await untilDelivered(
      () => once.send(command, { abortSignal }),
      abortSignal,
      call.isTooEarly,
    );
    for await (const { chunk, ...failure } of stream) {
      const [thrown] = Object.values(failure).filter((value) => value instanceof Error);
      if (thrown) throw thrown;
      for (const name of ["stdout", "stderr"] as const) {
        const text = chunk?.contentDelta?.[name];
        if (!text) continue;
        counts[name] += Buffer.byteLength(text);
        call.log(text, name);
      }
      if (chunk?.contentStop) {
        const durationMs = Math.round(performance.now() - startedAt);
        const { exitCode, status } = chunk.contentStop;
        const result: CommandResult = {
          exitCode: exitCode ?? null,
          timedOut: status === "TIMED_OUT",
          durationMs,
          stdoutBytes: counts.stdout,
          stderrBytes: counts.stderr,
        };
        return result.timedOut ? { result, error: timedOut(timeout, heldSeconds) } : endOf(result);
      }
    }
  } catch (error) {
    throw explainCall(error, call, "InvokeAgentRuntimeCommand");
  }
  return { error: new MayHaveRunError("worker.lost", "the stream ended before the command did").problem };
}

const timedOut = (seconds: number, heldSeconds: number): Problem =>
  problem("task.timeout", `the command did not end within ${seconds} s`, {
    hint:
      seconds === heldSeconds
        ? `without the worker contract a command has ${heldSeconds} s here, however high timeoutSeconds is; on a runtime with the worker of this project it has all of them`
        : undefined,
  });

function endOf(result: CommandResult): JobEnd {
  if (result.exitCode === 0) return { result };
  // AgentCore's own failures have this code:
  // https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/runtime-execute-command.html
  if (result.exitCode === -1) return { result, error: problem("worker.failed", "AgentCore could not run the command") };
  const message = `the command ended with exit code ${result.exitCode}`;
  return { result, error: problem("task.exit_code", message) };
}
