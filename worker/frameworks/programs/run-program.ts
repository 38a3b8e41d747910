import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { type Problem, problem } from "../../../lib/contract/errors.ts";
import { builtInFramework } from "../../../lib/contract/frameworks.ts";
import { removeFolder } from "../../job-folder.ts";
import { captureOf, keepOutput } from "../../output/keep-output.ts";
import { clip } from "../../parse.ts";
import { processFailure } from "../../processes/exit-problem.ts";
import { findProgram } from "../../processes/find-program.ts";
import { type ProcessEnd, runProcess } from "../../processes/run-process.ts";
import { StopSwitch } from "../../processes/stop.ts";
import type { JobContext, Outcome } from "../../runner.ts";
import { agentEvents } from "../agent-events.ts";
import { agentOutcome } from "../agent-outcome.ts";
import { Budget } from "../budget.ts";
import type { Framework } from "../framework.ts";
import { soundUsage } from "../sound-usage.ts";
import { agentRun } from "./agent-run.ts";
import { inConversation } from "./in-conversation.ts";
import { JsonLines } from "./json-lines.ts";
import type { AgentEnd, AgentProgram, AgentRun } from "./program.ts";

/** An installed agent program as a framework: what is the same for all of them. */
export function programFramework(program: AgentProgram): Framework {
  return async (task, job) => {
    const scratch = mkdtempSync(join(job.folder.root, "agent-"));
    try {
      const run = agentRun(program, task, job, scratch);
      return await inConversation(program, run, job, (begun) => runTurn(program, begun, job));
    } finally {
      await removeFolder(scratch);
    }
  };
}

async function runTurn(program: AgentProgram, run: AgentRun, job: JobContext): Promise<Outcome> {
  const { args, env: further, prompt = run.prompt } = await program.command(run);
  const dialogue = program.dialogue?.(run, prompt, job.ask);
  const { limits } = run.task;
  const stop = new StopSwitch();
  const unlisten = job.stop.listen((order) => stop.pull(order));
  /** Why we ended it ourselves, or what broke while we read it. */
  let stopped: Problem | undefined;
  let broken: { error: unknown } | undefined;

  const budget = new Budget(limits, {
    model: run.model,
    watchesCost: program.ownBudget === true,
    note: (text) => job.log.note(text),
  });
  const events = agentEvents(job, (usage) => {
    stopped ??= budget.exceededBy(usage);
    if (stopped) stop.pull({ kind: "budget", graceSeconds: limits.graceSeconds });
  });
  const reader = program.reader(run);
  const lines = new JsonLines({
    object: (value) => {
      if (broken) return;
      try {
        reader.line(value, events);
        dialogue?.line(value);
        if (reader.session !== undefined) job.conversation?.note(program.name, reader.session);
      } catch (error) {
        // A program whose output cannot be read works for nobody.
        broken = { error };
        stop.pull({ kind: "fault", graceSeconds: 0 });
      }
    },
    text: (text) => job.log.write("stdout", text),
  });

  const stdout = captureOf(job, "stdout.log", (text) => lines.write(text));
  const stderr = captureOf(job, "stderr.log", (text) => job.log.write("stderr", text));
  // By its path, so that no folder of the PATH can be the workspace; one that is not there is looked for in vain once more.
  const file = findProgram(program.program, run.env.PATH) ?? program.program;
  const spec = { file, args, cwd: run.workspace, stdin: dialogue?.input ?? prompt, stdout, stderr };
  const env = { ...run.env, ...further };
  const silence = dialogue && job.hearWith((text) => dialogue.say(text));
  const exit = await runProcess({ ...spec, env, stopSignal: program.stopSignal }, { ...job, stop });
  silence?.();
  dialogue?.input.end();
  unlisten();
  await stdout.end();
  lines.end();
  await keepOutput(job, { "stdout.jsonl": stdout, "stderr.log": stderr });
  if (broken) throw broken.error;

  const read = endOf(program, exit, () => reader.end(exit, stderr.tail));
  const end = { ...read, usage: soundUsage(read.usage) };
  if (end.session !== undefined) job.conversation?.note(program.name, end.session);
  stopped ??= budget.exceededBy(end.usage);
  const outcome = agentOutcome(program.name, run.task, job, {
    ...end,
    ...(stopped && { error: stopped }),
    tools: events.tools,
    schema: run.tools.jsonSchema,
    asksJson: run.task.responseFormat !== undefined,
  });
  return { ...outcome, isAnswered: outcome.error === undefined && !end.isAtWork };
}

/** A program that never started has printed nothing to read. */
function endOf({ name, program }: AgentProgram, exit: ProcessEnd, read: () => AgentEnd): AgentEnd {
  if (exit.failedToStart === undefined && (exit.exitCode !== null || exit.signal !== null)) return read();
  const error =
    exit.failedToStart?.code === "ENOENT"
      ? missing(name, program)
      : processFailure(exit, program, "task.agent_error", "");
  return { usage: {}, ...(error && { error }) };
}

function missing(name: string, program: string): Problem {
  const { install = "", login = "" } = builtInFramework(name) ?? {};
  return problem(
    "task.framework_missing",
    `${name} needs the program ${program}, and the PATH of the job leads to none`,
    {
      hint: clip(`install it where the job runs: ${install}; then log in: ${login}; or name another framework`, 500),
    },
  );
}
