import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { runtimeToolsSchema, type Usage } from "../../../lib/contract/agent.ts";
import { jobEnv } from "../../job-env.ts";
import { captureOf, keepOutput } from "../../output/keep-output.ts";
import { parse } from "../../parse.ts";
import { runProcess } from "../../processes/run-process.ts";
import type { JobContext, Outcome } from "../../runner.ts";
import type { AgentTask, Framework } from "../framework.ts";
import { outcomeProtocol, readOutcome } from "../outcome.ts";
import { JsonLines } from "./json-lines.ts";
import type { AgentEnd, AgentEvents, AgentProgram, AgentRun } from "./program.ts";

/** An installed agent program as a framework: what is the same for all of them. */
export function programFramework(program: AgentProgram): Framework {
  return async (task, job) => {
    const scratch = await mkdtemp(join(job.folder.root, "agent-"));
    try {
      return await runTurn(program, turnOf(task, job, scratch), job);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  };
}

function turnOf(task: AgentTask, job: JobContext, scratch: string): AgentRun {
  const tools = parse(runtimeToolsSchema, task.runtimeTools ?? {}, "runtime_tools");
  const { conversation, trusted = false } = job.task;
  const resume = conversation?.session?.framework === task.framework ? conversation.session.id : undefined;
  return {
    task,
    tools,
    ...(typeof task.model === "string" && { model: task.model }),
    prompt: tools.jsonSchema ? task.prompt : `${task.prompt}\n\n${outcomeProtocol}\n`,
    workspace: job.folder.workspace,
    scratch,
    trusted,
    ...(resume !== undefined && { resume }),
    env: jobEnv(job),
  };
}

async function runTurn(program: AgentProgram, run: AgentRun, job: JobContext): Promise<Outcome> {
  const { args, env, prompt = run.prompt } = await program.command(run);
  const reader = program.reader(run);
  const events = eventsOf(job);
  const lines = new JsonLines({
    object: (value) => reader.line(value, events),
    text: (text) => job.log.write("stdout", text),
  });
  const stdout = captureOf(job, "stdout.log", (text) => lines.write(text));
  const stderr = captureOf(job, "stderr.log", (text) => job.log.write("stderr", text));
  const spec = { file: program.program, args, cwd: run.workspace, stdin: prompt, stdout, stderr };
  const exit = await runProcess({ ...spec, env: { ...run.env, ...env } }, job);
  await stdout.end();
  lines.end();
  await keepOutput(job, { "stderr.log": stderr });
  return outcomeOf(program, run, reader.end(exit, stderr.lastLine));
}

function outcomeOf(program: AgentProgram, { tools }: AgentRun, end: AgentEnd): Outcome {
  const { output = "", result, deniedTools, usage, session, error } = end;
  const said = tools.jsonSchema ? { output, outcome: null } : readOutcome(output);
  return {
    result: { ...said, ...(result !== undefined && { result }), ...(deniedTools && { deniedTools }), usage },
    usage,
    ...(session !== undefined && { session: { framework: program.name, id: session } }),
    ...(error && { error }),
  };
}

const eventsOf = (job: JobContext): AgentEvents => ({
  message: (message) => void job.emit({ type: "agent.message", message }),
  toolCall: (payload) => void job.emit({ type: "agent.tool_call", payload }),
  toolResult: (payload) => void job.emit({ type: "agent.tool_result", payload }),
  usage: (payload: Usage) => void job.emit({ type: "agent.usage", payload }),
  progress: (message) => void job.emit({ type: "task.progress", message }),
  log: (text) => job.log.write("stdout", `${text}\n`),
});
