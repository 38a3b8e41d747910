import type { Tool } from "@strands-agents/sdk";
import { codeOf, RefusedError } from "../../../lib/contract/errors.ts";
import type { ToolName } from "./request.ts";

/** Tools that run outside of the session, and how what they started there is given back. */
export type HeldTools = { tools: readonly Tool[]; release(): Promise<void> };

/** What AgentCore takes for the longest life of a session, in seconds. */
const MAX_SESSION_SECONDS = 28_800;
const MIN_SESSION_SECONDS = 60;

/**
 * AgentCore's code interpreter and browser. Their sessions begin with the first use, and end with `release`, or, should
 * nobody be left to call it, with the task's own time.
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/code-interpreter-tool.html
 */
export async function agentCoreTools(name: ToolName, timeoutSeconds: number): Promise<HeldTools> {
  const timeout = Math.round(Math.min(MAX_SESSION_SECONDS, Math.max(MIN_SESSION_SECONDS, timeoutSeconds)));
  return name === "browser" ? browser(timeout) : codeInterpreter(timeout);
}

async function codeInterpreter(timeout: number): Promise<HeldTools> {
  const [{ CodeInterpreter }, made] = await Promise.all([
    import("bedrock-agentcore/code-interpreter"),
    import("bedrock-agentcore/experimental/code-interpreter/strands"),
  ]);
  class Bounded extends CodeInterpreter {
    override startSession(params?: Parameters<InstanceType<typeof CodeInterpreter>["startSession"]>[0]) {
      return super.startSession({ timeout, ...params });
    }
  }
  const client = new Bounded({});
  return {
    tools: [
      made.createExecuteCodeTool(client),
      made.createExecuteCommandTool(client),
      made.createFileOperationsTool(client),
    ],
    release: () => client.stopSession(),
  };
}

async function browser(timeout: number): Promise<HeldTools> {
  const [{ PlaywrightBrowser }, made] = await Promise.all([
    import("bedrock-agentcore/browser/playwright"),
    import("bedrock-agentcore/experimental/browser/strands"),
  ]).catch(asMissing);
  class Bounded extends PlaywrightBrowser {
    override startSession(params?: Parameters<InstanceType<typeof PlaywrightBrowser>["startSession"]>[0]) {
      return super.startSession({ timeout, ...params });
    }
  }
  const client = new Bounded({});
  // No screenshots: as text they fill a model's context, and as files they know no workspace.
  return {
    tools: [
      made.createNavigateTool(client),
      made.createClickTool(client),
      made.createTypeTool(client),
      made.createGetTextTool(client),
      made.createGetHtmlTool(client),
      made.createEvaluateTool(client),
    ],
    release: () => client.stopSession(),
  };
}

/** The package has no client of a browser, which is larger than all of it; the worker's image has. */
function asMissing(error: unknown): never {
  if (codeOf(error) !== "ERR_MODULE_NOT_FOUND") throw error;
  throw new RefusedError("task.agent_error", "the tool browser needs playwright-core, which is not installed here", {
    hint: "install it under the name playwright where the worker is: npm install playwright@npm:playwright-core",
    cause: error,
  });
}
