import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import * as z from "zod";
import type { Usage } from "../../../lib/contract/agent.ts";
import { forbiddenPaths } from "../../../lib/contract/credentials.ts";
import { RefusedError } from "../../../lib/contract/errors.ts";
import { environmentVariables } from "../../../lib/contract/execution-environment.ts";
import type { JsonObject } from "../../../lib/contract/json.ts";
import { lastLineOf } from "../../output/capture.ts";
import { invalidInput, parse } from "../../parse.ts";
import { processFailure } from "../../processes/exit-problem.ts";
import type { ProcessEnd } from "../../processes/run-process.ts";
import { listPriceUsd } from "../prices.ts";
import type { AgentEnd, AgentEvents, AgentProgram, AgentRun, OutputReader } from "../programs/program.ts";
import { type AgentModel, type AgentRequestInput, agentCoreTools, modelSchema, toolNames } from "./request.ts";
import { type Said, type SaidEnd, saidSchema } from "./said.ts";

/** What an agent has that no `enabled` was said for. */
const usualTools = ["shell", "files"] as const;

/** What the child becomes when it is bundled, beside the worker's own bundle. */
export const bundledChild = "strands.mjs";
/** The folder of snapshots in a run's own, and the one file in it that the next turn needs. */
const sessionFolder = (run: AgentRun) => join(run.scratch, "session");
const snapshotOf = (run: AgentRun, session: string) =>
  join(sessionFolder(run), session, "scopes/agent/agent/snapshots/snapshot_latest.json");

/** An agent on the Strands SDK, in a process of its own: https://strandsagents.com */
export const strands: AgentProgram = {
  name: "strands",
  program: process.execPath,
  options: ["enabled", "systemPrompt", "maxTurns", "mcpServers", "jsonSchema"],
  stopSignal: "SIGTERM",
  ownSchema: true,
  ownModel: true,

  async command(run) {
    const file = join(run.scratch, "request.json");
    await writeFile(file, JSON.stringify(await requestOf(run)), { mode: 0o600 });
    return { args: [childFile(), file], env: {} };
  },

  reader: () => new StrandsReader(),

  async sessionFiles(run, session) {
    const path = snapshotOf(run, session);
    return existsSync(path) ? [{ path, name: "snapshot.json" }] : [];
  },

  async restore(run, session, files) {
    const snapshot = files.find(({ name }) => name === "snapshot.json");
    if (!snapshot) return;
    const path = snapshotOf(run, sessionIdOf(session));
    await mkdir(dirname(path), { recursive: true });
    await copyFile(snapshot.path, path);
  },
};

/** It becomes part of a path. */
function sessionIdOf(session: string): string {
  if (z.uuid().safeParse(session).success) return session;
  throw new RefusedError("task.agent_error", "the session to go on with is none of this framework");
}

async function requestOf(run: AgentRun): Promise<AgentRequestInput> {
  const { task, tools, workspace, env } = run;
  const { systemPrompt, maxTurns, mcpServers, jsonSchema } = tools;
  const id = run.resume === undefined ? randomUUID() : sessionIdOf(run.resume);
  if (run.resume !== undefined && !existsSync(snapshotOf(run, id)))
    throw new RefusedError("task.agent_error", "what the conversation had so far is not there any more", {
      hint: "dispatch the task without a conversation",
    });
  return {
    model: modelOf(task.model),
    tools: enabledTools(run),
    workspace,
    artifacts: env[environmentVariables.artifactsDir],
    session: { folder: sessionFolder(run), id },
    ...{ systemPrompt, maxTurns, mcpServers, jsonSchema },
    maxTokens: task.limits.maxTokens,
    hidden: [...forbiddenPaths(env), "OPENAI_API_KEY"],
    timeoutSeconds: task.limits.timeoutSeconds + task.limits.graceSeconds,
  };
}

/** A name alone is that of a model on Bedrock. Throws InvalidInputError that names what is wrong. */
function modelOf(model: AgentRun["task"]["model"]): AgentModel {
  if (model === undefined)
    throw new RefusedError("task.model_unavailable", "no model is named", {
      hint: 'give model: the id of a model or inference profile on Bedrock, or {provider: "openai", id}',
    });
  const given = typeof model === "string" ? { id: model } : model;
  return parse(modelSchema, { provider: "bedrock", ...given }, "model");
}

/** Throws InvalidInputError for a tool that is not known, or not to be had where the session is. */
function enabledTools({ tools: { enabled }, env }: AgentRun): (typeof toolNames)[number][] {
  if (enabled === undefined) return [...usualTools];
  const names = parse(z.array(z.enum(toolNames)), enabled, "runtime_tools.enabled");
  const isOnAgentCore = env[environmentVariables.platform] === "aws-agentcore";
  const elsewhere = names.find((name) => agentCoreTools.includes(name));
  if (elsewhere !== undefined && !isOnAgentCore)
    throw invalidInput("runtime_tools.enabled", `${elsewhere} is there only where the backend is AgentCore`);
  return [...new Set(names)];
}

/** The program beside this file: as it was written, or as it was bundled. */
function childFile(): string {
  const { filename, dirname: folder } = import.meta;
  return join(folder, basename(filename) === "strands.ts" ? "child.ts" : bundledChild);
}

/** Reads what the child prints. */
class StrandsReader implements OutputReader {
  #session: string | undefined;
  #usage: Usage = {};
  #end: SaidEnd | undefined;

  line(value: JsonObject, events: AgentEvents): void {
    const parsed = saidSchema.safeParse(value);
    if (!parsed.success) events.log(JSON.stringify(value));
    else this.#take(parsed.data, events);
  }

  #take(said: Said, events: AgentEvents): void {
    if (said.type === "session") this.#session = said.id;
    else if (said.type === "message") events.message(said.text);
    else if (said.type === "tool_call") events.toolCall({ id: said.id, name: said.name, input: said.input });
    else if (said.type === "tool_result") events.toolResult(said);
    else if (said.type === "usage") {
      const { model = "" } = said.usage;
      const costUsd = listPriceUsd(model, said.usage);
      this.#usage = { ...said.usage, ...(costUsd !== undefined && { costUsd }) };
      events.usage(this.#usage);
    } else if (said.type === "log") events.log(said.text);
    else this.#end = said;
  }

  get session(): string | undefined {
    return this.#session;
  }

  end(exit: ProcessEnd, stderrTail: string): AgentEnd {
    const known = { usage: this.#usage, ...(this.#session !== undefined && { session: this.#session }) };
    // Without a last line it was ended, and whoever did that knows why, or it broke down.
    if (!this.#end) {
      const error = processFailure(exit, "the agent's process", "task.agent_error", lastLineOf(stderrTail));
      return { ...known, ...(error && { error }) };
    }
    const { output, result, error } = this.#end;
    return {
      ...known,
      ...(output !== undefined && { output }),
      ...(result !== undefined && { result }),
      ...(error && { error }),
    };
  }
}
