import * as z from "zod";
import { type Problem, problem } from "../../../../lib/contract/errors.ts";
import { builtInFrameworks } from "../../../../lib/contract/frameworks.ts";
import { clip } from "../../../parse.ts";
import { budgetProblem } from "../../budget.ts";
import { BUSY_HINT } from "../problems.ts";
import type { AgentRun } from "../program.ts";
import { isPersonsHome } from "../program-environment.ts";

const used = z.object({
  inputTokens: z.number().catch(0),
  outputTokens: z.number().catch(0),
  cacheReadInputTokens: z.number().catch(0),
  cacheCreationInputTokens: z.number().catch(0),
  /** Of what is no figure nobody knows the sum. */
  costUSD: z.number().nonnegative().catch(Number.NaN),
});

/** The line with which a run ends, as far as it matters here. */
export const resultLine = z.object({
  subtype: z.string().catch(""),
  /** Whatever `subtype` and the exit code say, this tells success from failure. */
  is_error: z.boolean(),
  result: z.string().optional().catch(undefined),
  errors: z.array(z.string()).catch([]),
  terminal_reason: z.string().optional().catch(undefined),
  api_error_status: z.number().nullish().catch(undefined),
  api_error: z.string().optional().catch(undefined),
  structured_output: z.unknown().optional(),
  permission_denials: z.array(z.object({ tool_name: z.string() })).catch([]),
  model_usage_since_last_result: z.record(z.string(), used).catch({}),
});
export type ResultLine = z.infer<typeof resultLine>;

/** What other lines told of a failure. */
export type ClaudeFailure = {
  /** Of the last line that had one: `authentication_failed`, `rate_limit`, … */
  error?: string;
  /** What the provider said of the account's limit. */
  limit?: unknown;
  /** The last that it printed beside its lines. */
  said?: string;
};

/** A limit of the account has a name or an end; of a subscription any other 429 is told as rejected too. */
const rejected = z
  .object({ status: z.literal("rejected"), resetsAt: z.number().optional(), rateLimitType: z.string().optional() })
  .refine(({ resetsAt, rateLimitType }) => resetsAt !== undefined || rateLimitType !== undefined);

/** With 403 Bedrock also refuses callers that it does not know; only its text tells that from a model that may not be used. */
const credentials = /security token|signature|credential|expired|UnrecognizedClient|AuthenticationToken|API key/i;

/** Why a run failed, told apart by what a person can do about it. Without a last line it was ended before it had one. */
export function claudeProblem(result: ResultLine | undefined, failure: ClaudeFailure, run: AgentRun): Problem {
  const said = clip(result?.errors.join("; ") || result?.result || failure.said || "it said nothing", 2000);
  const { error } = failure;
  const status = result?.api_error_status;
  const limit = rejected.safeParse(failure.limit);
  switch (true) {
    case result?.subtype === "error_max_budget_usd":
      return budgetProblem(run.task.limits.maxBudgetUsd, costOf(result));
    case result?.subtype === "error_max_turns":
      return problem("task.budget", `claude: ${said}`, {
        hint: "runtimeTools.maxTurns gives it more; what it did so far is kept, and its conversation can go on",
      });
    case limit.success || result?.api_error === "usage_limit_reached" || error === "billing_error": {
      const { resetsAt } = limit.data ?? {};
      const at = resetsAt === undefined ? undefined : new Date(resetsAt * 1000).toISOString();
      return problem("task.usage_limit", `the account of claude has reached a limit: ${said}`, {
        hint:
          at === undefined
            ? "add credit, wait until the limit is reset, or use another account"
            : `it is reset at ${at}`,
        ...(at !== undefined && { details: { resetsAt: at } }),
      });
    }
    case error === "model_not_found" || (status === 403 && usesBedrock(run.env) && !credentials.test(said)):
      return problem("task.model_unavailable", `claude: ${said}`, {
        hint: usesBedrock(run.env)
          ? "name a model that the account may use, by its inference profile, or ask for access in the console of Amazon Bedrock"
          : "name another model, or none for the default of the account",
      });
    case error === "authentication_failed" || status === 401 || status === 403:
      return problem("task.auth", `claude: ${said}`, { hint: authHint(run) });
    case error === "rate_limit" || status === 429:
      return problem("task.agent_error", `claude: ${said}`, { hint: BUSY_HINT });
    case error === "server_error":
      return problem("task.agent_error", `claude: ${said}`, {
        hint: "the provider could not be reached or failed: dispatch it again later, or go on in its conversation",
      });
    case result?.terminal_reason === "prompt_too_long":
      return problem("task.agent_error", `claude: ${said}`, {
        hint: "the task, or what its conversation has so far, is too large for the model: name one that takes more, or divide the task",
      });
    case /^No conversation found/.test(said):
      return problem("task.agent_error", `claude: ${said}`, {
        hint: "the session of the last turn is not there any more: dispatch the task without its conversation",
      });
    default:
      return problem("task.agent_error", `claude: ${said}`, {
        ...(result?.terminal_reason !== undefined && { details: { reason: result.terminal_reason } }),
      });
  }
}

const costOf = (result: ResultLine | undefined): number | undefined => {
  const costs = Object.values(result?.model_usage_since_last_result ?? {}).map(({ costUSD }) => costUSD);
  const sum = costs.reduce((total, each) => total + each, 0);
  return costs.length === 0 || Number.isNaN(sum) ? undefined : sum;
};

/** Whether its models are those of Bedrock: said so, or in a container without a key of Anthropic's, whose role has them. */
export function usesBedrock(env: AgentRun["env"]): boolean {
  const said = env.CLAUDE_CODE_USE_BEDROCK;
  if (said !== undefined) return said !== "" && said !== "0";
  const others = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];
  const isOther = Object.keys(env).some((name) => others.includes(name) || name.startsWith("CLAUDE_CODE_USE_"));
  return !isPersonsHome(env) && !isOther && (env.AWS_REGION ?? env.AWS_DEFAULT_REGION) !== undefined;
}

function authHint(run: AgentRun): string {
  if (usesBedrock(run.env))
    return "renew the AWS credentials (`aws sso login`), or give the worker a role that may use models of Bedrock";
  return isPersonsHome(run.env)
    ? `log in with ${builtInFrameworks["claude-code"].login}, or set ANTHROPIC_API_KEY in the environment of the backend's details` +
        (run.trusted ? "" : "; settings files are not read in a workspace that is not an agent's own")
    : "set ANTHROPIC_API_KEY in the environment of the backend's details, or CLAUDE_CODE_USE_BEDROCK=1 to use the role";
}
