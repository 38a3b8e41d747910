import type { AgentAnswer } from "../../lib/contract/agent.ts";
import { type Problem, problem } from "../../lib/contract/errors.ts";
import type { BuiltInFramework } from "../../lib/contract/frameworks.ts";
import { defined, type JsonObject } from "../../lib/contract/json.ts";
import { jsonAnswer } from "../../lib/contract/replies/json-answer.ts";
import { clip } from "../parse.ts";
import type { JobContext, Outcome } from "../runner.ts";
import type { ToolCounts } from "./agent-events.ts";
import type { AgentTask } from "./framework.ts";
import { readOutcome, type SaidOutcome } from "./outcome.ts";
import type { AgentEnd } from "./programs/program.ts";

/** How a turn ended, with what else its answer is made of. */
type EndedTurn = AgentEnd & {
  tools: ToolCounts;
  /** The JSON Schema that the answer has to fit. */
  schema?: JsonObject | undefined;
  /** The answer has to be JSON, and is kept as it is where it is none. */
  asksJson?: boolean;
};

const PERMISSION_HINT =
  "runtimeTools.allowedTools allows single tools, runtimeTools.permissionMode more of them; runtimeTools.deniedTools denies some";

/** The one answer that all frameworks of ours give, with what the agent said of its outcome, and what failed. */
export function agentOutcome(
  framework: BuiltInFramework,
  task: Pick<AgentTask, "framework">,
  { task: { conversation } }: Pick<JobContext, "task">,
  end: EndedTurn,
): Outcome {
  const { usage, session, output = "" } = end;
  const { answer, error } = answerOf(task.framework, end);
  const denied = [...new Set(end.deniedTools)].slice(0, 50);
  const hasUsage = Object.keys(usage).length > 0;
  const result: AgentAnswer = defined({
    ...answer,
    ...(denied.length > 0 && { deniedTools: denied, hint: PERMISSION_HINT }),
    usage: hasUsage ? usage : undefined,
    conversation: conversation?.id,
  });
  // Of an agent that never came to an answer there is none.
  const hasAnswer = error === undefined || output !== "" || end.result !== undefined || hasUsage;
  return {
    ...(hasAnswer && { result }),
    ...(hasUsage && { usage }),
    ...(session !== undefined && { session: { framework, id: session } }),
    ...(error && { error }),
  };
}

type Read = { answer: SaidOutcome & { result?: unknown }; error?: Problem | undefined };

function answerOf(framework: string, turn: EndedTurn): Read {
  const { output = "", result, error, schema, asksJson, deniedTools = [], tools } = turn;
  const given = result === undefined ? {} : { result };
  // Whoever asked for JSON reads it, or says why there is none: nothing of the answer may go lost.
  if (asksJson) return { answer: { output, outcome: null, ...given }, error };
  if (!schema) {
    const said = { ...readOutcome(output), ...given };
    const couldNothing = deniedTools.length > 0 && tools.succeeded === 0 && said.outcome === "needs_input";
    return { answer: said, error: error ?? (couldNothing ? denied(framework, deniedTools) : undefined) };
  }
  const said = { output, outcome: null, ...given };
  if (error) return { answer: said, error };
  const json = jsonAnswer(schema, result, output);
  if (typeof json !== "string") return { answer: { ...said, result: json.value } };
  const why = `the answer of ${framework} is not the JSON that runtime_tools.jsonSchema asks for: ${json}`;
  const what = output === "" ? "" : `; it said: ${clip(output, 500)}`;
  return { answer: said, error: problem("task.agent_error", `${why}${what}`) };
}

const denied = (framework: string, deniedTools: readonly string[]): Problem => {
  const names = [...new Set(deniedTools)].slice(0, 20);
  return problem("task.permission", `${framework} could do nothing: it was not allowed to use ${names.join(", ")}`, {
    hint: PERMISSION_HINT,
    details: { deniedTools: names },
  });
};
