import {
  Agent,
  type AgentResult,
  type AgentStreamEvent,
  FileStorage,
  type Message,
  SessionManager,
  Message as StrandsMessage,
  TextBlock,
  ToolResultBlock,
} from "@strands-agents/sdk";
import * as z from "zod";
import { type Problem, problem } from "../../../lib/contract/errors.ts";
import { defined } from "../../../lib/contract/json.ts";
import { invalidInput } from "../../parse.ts";
import { problemOf } from "./failure.ts";
import { openModel } from "./models.ts";
import type { AgentRequest } from "./request.ts";
import { PatientRetry } from "./retry.ts";
import type { Said, SaidEnd } from "./said.ts";
import { openTools } from "./tools.ts";
import { UsageSum } from "./usage.ts";

type Surroundings = { say(line: Said): void; signal: AbortSignal };

/** How long what the agent holds elsewhere may take to be given back, in milliseconds. */
const RELEASE_MS = 8000;
/** Of what a tool answered, for whoever follows the task, in characters. */
const SHOWN = 4000;

/** Runs one turn of an agent, and gives back all that it held. Resolves for every way to end but bad settings. */
export async function runAgent(request: AgentRequest, prompt: string, { say, signal }: Surroundings): Promise<SaidEnd> {
  const schema = request.jsonSchema && schemaOf(request.jsonSchema);
  const model = await openModel(request.model);
  const { tools, release } = await openTools(request);
  try {
    const { folder, id } = request.session;
    const agent = new Agent({
      model,
      tools,
      printer: false,
      systemPrompt: systemPromptOf(request),
      retryStrategy: new PatientRetry(),
      contextManager: "auto",
      // Two edits of one file at once, or two first uses of one remote session, would lose one of them.
      toolExecutor: "sequential",
      sessionManager: new SessionManager({
        sessionId: id,
        storage: { snapshot: new FileStorage(folder) },
        // A turn that is cut off leaves what it had for the next.
        saveLatestOn: "message",
      }),
      ...(schema && { structuredOutputSchema: schema }),
    });
    await agent.initialize();
    say({ type: "session", id });
    closeOpenCalls(agent.messages);
    const limits = defined({ turns: request.maxTurns, totalTokens: request.maxTokens });
    const result = await follow(
      agent.stream(prompt, { cancelSignal: signal, limits }),
      new UsageSum(request.model),
      say,
    );
    return endOf(result, request);
  } catch (error) {
    return { error: problemOf(error) };
  } finally {
    await releaseWithin(release, say);
  }
}

/** A command that was cut off has no answer in the snapshot, and no model takes a call without one. */
function closeOpenCalls(messages: Message[]): void {
  const last = messages.at(-1);
  if (last?.role !== "assistant") return;
  const content = last.content.flatMap((block) =>
    block.type === "toolUseBlock"
      ? [
          new ToolResultBlock({
            toolUseId: block.toolUseId,
            status: "error",
            content: [new TextBlock("It was cut off, and it is not known how far it came.")],
          }),
        ]
      : [],
  );
  if (content.length > 0) messages.push(new StrandsMessage({ role: "user", content }));
}

async function follow(
  stream: AsyncGenerator<AgentStreamEvent, AgentResult, undefined>,
  sum: UsageSum,
  say: (line: Said) => void,
): Promise<AgentResult> {
  for (;;) {
    const { done, value } = await stream.next();
    if (done) return value;
    for (const line of linesOf(value, sum)) say(line);
  }
}

function linesOf(event: AgentStreamEvent, sum: UsageSum): Said[] {
  switch (event.type) {
    case "contentBlockEvent": {
      const { contentBlock } = event;
      const isText = contentBlock.type === "textBlock" && contentBlock.text.trim() !== "";
      return isText ? [{ type: "message", text: contentBlock.text }] : [];
    }
    case "modelStreamUpdateEvent": {
      const { event: update } = event;
      return update.type === "modelMetadataEvent" && update.usage
        ? [{ type: "usage", usage: sum.add(update.usage) }]
        : [];
    }
    case "beforeToolCallEvent": {
      const { toolUseId, name, input } = event.toolUse;
      return [{ type: "tool_call", id: toolUseId, name, input }];
    }
    case "afterToolCallEvent": {
      const { toolUse, result } = event;
      const output = result.content.map((block) => ("text" in block ? block.text : JSON.stringify(block))).join("\n");
      const isError = result.status === "error";
      return [
        {
          type: "tool_result",
          id: toolUse.toolUseId,
          name: toolUse.name,
          isError,
          output: output.slice(0, SHOWN).toWellFormed(),
        },
      ];
    }
    default:
      return [];
  }
}

/** What an agent answered, and why that is no answer where it is none. */
function endOf({ stopReason, lastMessage, structuredOutput }: AgentResult, request: AgentRequest): SaidEnd {
  const output = lastMessage.content.flatMap((block) => (block.type === "textBlock" ? [block.text] : [])).join("\n");
  // An answer by a schema is the call of a tool.
  const isAnswer = answers.has(stopReason) || structuredOutput !== undefined;
  return {
    output,
    ...(structuredOutput !== undefined && { result: structuredOutput }),
    ...(!isAnswer && { error: stopped(stopReason, request) }),
  };
}

/** The ways to stop with an answer; providers name others of their own, so that those could not all be listed. */
const answers: ReadonlySet<string> = new Set(["endTurn", "stopSequence"]);

const stopped = (stopReason: string, request: AgentRequest): Problem =>
  endings[stopReason]?.(request) ??
  problem("task.agent_error", `the agent stopped before it had an answer (${stopReason})`);

/** The ways to stop that are without an answer of which more can be said than their name. */
const endings: Record<string, (request: AgentRequest) => Problem> = {
  cancelled: () =>
    problem("task.agent_error", "the agent was stopped by a signal that did not come from here", {
      hint: "look for what ends processes where the task ran",
    }),
  limitTurns: ({ maxTurns }) =>
    problem("task.budget", `the agent was not done after ${maxTurns} turns`, {
      hint: "runtimeTools.maxTurns allows more; the conversation can be gone on with",
    }),
  limitTotalTokens: ({ maxTokens }) =>
    problem("task.budget", `the agent took the ${maxTokens} tokens that it may take`, {
      hint: "limits.maxTokens allows more; the conversation can be gone on with",
    }),
  maxTokens: () => problem("task.agent_error", "an answer of the model was longer than it may be"),
  modelContextWindowExceeded: () => problem("task.agent_error", "the task is too large for the model"),
  refusal: () => problem("task.agent_error", "the model refused to go on"),
  contentFiltered: () => problem("task.agent_error", "the model's provider filtered the answer"),
  guardrailIntervened: () => problem("task.agent_error", "a guardrail of Bedrock stopped the answer"),
  interrupt: () => problem("task.agent_error", "a tool asked a question, which nobody can answer here"),
};

function systemPromptOf({ workspace, artifacts, systemPrompt }: AgentRequest): string {
  const where = `You are an agent that works on a task by itself, in the folder ${workspace}. Name files by their absolute paths.`;
  const back =
    artifacts === undefined ? "" : ` Copy files that whoever gave you the task is to get into the folder ${artifacts}.`;
  return [`${where}${back}`, systemPrompt].filter((part) => part !== undefined).join("\n\n");
}

function schemaOf(json: Record<string, unknown>): z.ZodType {
  try {
    return z.fromJSONSchema(json);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw invalidInput("runtime_tools.jsonSchema", `is not a JSON Schema that can be checked: ${why}`, cause);
  }
}

async function releaseWithin(release: () => Promise<unknown[]>, say: (line: Said) => void): Promise<void> {
  const late = new Promise<unknown[]>((resolve) => {
    setTimeout(() => resolve([new Error("it takes too long")]), RELEASE_MS).unref();
  });
  for (const error of await Promise.race([release(), late]))
    say({ type: "log", text: `what the agent held elsewhere could not be given back: ${String(error)}` });
}
