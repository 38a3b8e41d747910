import * as z from "zod";
import { type RuntimeTools, runtimeToolsSchema } from "../../../lib/contract/agent.ts";
import { jsonProtocol } from "../../../lib/contract/prompt.ts";
import { assertSchema } from "../../../lib/contract/replies/json-answer.ts";
import { invalidInput, parse } from "../../parse.ts";
import type { JobContext } from "../../runner.ts";
import type { AgentTask } from "../framework.ts";
import { askingProtocol, outcomeProtocol } from "../outcome.ts";
import type { AgentProgram, AgentRun } from "./program.ts";
import { programEnvironment } from "./program-environment.ts";
import { refuseSteering } from "./steering-variables.ts";

const name = z.string().min(1).max(500);
const modelById = z.strictObject({ id: name });

/**
 * What a program is to run, from what the task says. Throws RefusedError for what the program does not know or may not be
 * given, by name.
 */
export function agentRun(program: AgentProgram, task: AgentTask, job: JobContext, scratch: string): AgentRun {
  refuseSteering(program.name, Object.keys(job.task.env ?? {}), "environment_variables");
  const tools = toolsOf(program, task);
  const model = modelOf(program, task);
  return {
    task,
    tools,
    ...(model !== undefined && { model }),
    prompt: [task.prompt, filesNote(job.folder.artifacts), timeNote(task), ...ending(program, task, tools)]
      .join("\n\n")
      .concat("\n"),
    workspace: job.folder.workspace,
    scratch,
    trusted: job.task.trusted ?? false,
    env: programEnvironment(program.name, task.model, job),
  };
}

/** A model by its name, alone or as `id`; a program may know more fields, and reads them itself. */
function modelOf({ ownModel }: AgentProgram, { model }: AgentTask): string | undefined {
  if (model === undefined) return undefined;
  if (typeof model === "string") return parse(name, model, "model");
  return ownModel ? name.safeParse(model.id).data : parse(modelById, model, "model").id;
}

function toolsOf({ name: program, options }: AgentProgram, { runtimeTools, responseFormat }: AgentTask): RuntimeTools {
  const tools = parse(runtimeToolsSchema, runtimeTools ?? {}, "runtime_tools");
  const unknown = Object.keys(tools).find((each) => !options.some((option) => option === each));
  if (unknown !== undefined)
    throw invalidInput(`runtime_tools.${unknown}`, `${program} has no such option, it has: ${options.join(", ")}`);
  if (tools.jsonSchema) assertSchema(tools.jsonSchema, "runtime_tools.jsonSchema");
  // Models take the schema of an object only.
  const wanted = responseFormat?.schema?.type === "object" ? responseFormat.schema : undefined;
  const jsonSchema = tools.jsonSchema ?? wanted;
  return jsonSchema ? { ...tools, jsonSchema } : tools;
}

/** By its path: what is named by a variable, some programs do not let an agent write to. */
const filesNote = (artifacts: string): string =>
  `## Files\n\nFiles that you leave in ${artifacts} are brought home with your answer; leave there what the task asks for.`;

/** In the prompt, because each turn has its own, and a system prompt stays that of the first. */
const timeNote = ({ limits }: AgentTask): string =>
  `## Time\n\nYou have about ${Math.ceil(limits.timeoutSeconds)} seconds, then you are ended. Leave enough of them for your last message.`;

function ending(
  { ownSchema }: AgentProgram,
  { responseFormat }: AgentTask,
  { jsonSchema, questions }: RuntimeTools,
): string[] {
  // The prompt says it already.
  if (responseFormat) return [];
  if (!jsonSchema) return [questions === "ask" ? askingProtocol : outcomeProtocol];
  return ownSchema ? [] : [`## How to end\n\n${jsonProtocol(jsonSchema)}`];
}
