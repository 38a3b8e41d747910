import type { Problem } from "../../contract/errors.ts";
import { commandName } from "./command-name.ts";
import { type Place, placeWords } from "./systems/place.ts";

/**
 * What stands at the command line for a tool, and for a field of one, that an error names; not for `dispatch`, a word of any
 * sentence.
 */
export const terms: Readonly<Record<string, string>> = {
  spawn_cloud_agent: "agent-dispatch run",
  dispatch_task: "agent-dispatch run",
  get_task_status: "agent-dispatch status <id>",
  get_task_logs: "agent-dispatch logs <id>",
  get_task_result: "agent-dispatch result <id>",
  wait_for_task: "agent-dispatch wait <id>",
  cancel_task: "agent-dispatch cancel <id>",
  send_task_input: "agent-dispatch send-task-input <id>",
  a2a_send: "agent-dispatch a2a-send <id>",
  list_tasks: "agent-dispatch list",
  check_cloud_agent_runtime: "agent-dispatch check",
  list_account_profiles: "agent-dispatch accounts",
  list_providers: "agent-dispatch accounts",
  list_capabilities: "agent-dispatch capabilities",
  list_sessions: "agent-dispatch sessions",
  "stop_all with confirm: true": "agent-dispatch stop-all --yes",
  stop_all: "agent-dispatch stop-all",
  set_admission: "agent-dispatch admission",
  get_usage: "agent-dispatch stats",
  get_task_tree: "agent-dispatch tree <id>",
  dispatch_gc: "agent-dispatch gc",
  max_age_days: "--older-than",
  cache_stats: "agent-dispatch cache stats",
  cache_clear: "agent-dispatch cache clear",
  list_agents: "agent-dispatch list --agents",
  inspect_agent: "agent-dispatch describe",
  add_agent: "agent-dispatch add",
  update_agent: "agent-dispatch update",
  remove_agent: "agent-dispatch remove",
  list_groups: "agent-dispatch group list",
  inspect_group: "agent-dispatch group inspect",
  add_group: "agent-dispatch group add",
  update_group: "agent-dispatch group update",
  remove_group: "agent-dispatch group remove",

  dispatch_session: "agent-dispatch run",
  dispatch_parallel: "agent-dispatch parallel",
  dispatch_stream: "agent-dispatch run",
  dispatch_dialogue: "agent-dispatch dialogue",
  dispatch_async: "agent-dispatch run",
  dispatch_status: "agent-dispatch status <id>",
  dispatch_wait: "agent-dispatch wait <id>",
  dispatch_cancel: "agent-dispatch cancel <id>",
  dispatch_jobs: "agent-dispatch list",
  fetch_result: "agent-dispatch result <id>",

  "target.details.workspace": "--cwd",
  environment_variables: "--env",
  environmentVariables: "--env",
  "input.env": "--env",
  idempotency_key: "--idempotency-key",
  "timeout_seconds, or timeoutSeconds in the input,": "--timeout",
  timeout_seconds: "--timeout",
  timeoutSeconds: "--timeout",
  "input.timeoutSeconds": "--timeout",
  wait_seconds: "--timeout",
  runtime_arn: "--runtime-arn",
  ecr_image_uri: "--ecr-image-uri",
  execution_role_arn: "--execution-role-arn",
  events_after: "--after",
  preview_lines: "--lines",
  response_format: "--response-format",
  "response_format.schema": "--schema",
  max_chars: "--max-chars",
  return_ref: "a reference in place of the result",
  summary_chars: "the length of the summary",
  permission_mode: "--permission-mode",
  allowed_tools: "--allowed-tools",
  denied_tools: "--denied-tools",
  max_budget_usd: "--max-budget",
  max_tokens: "--max-tokens",
  dry_run: "--dry-run",
  shared_context: "--shared-context",
  use_for: "what the member is for",
  add_members: "--add-member",
  remove_members: "--remove-member",
  "metadata.parentTaskId": "--metadata parentTaskId=…",
  task_id: "the task's id",
  job_id: "the task's id",
  session_id: "--conversation",
  risky_capabilities: "labels of what is risky",
  max_parallel: "--max-parallel",
  fail_fast: "--fail-fast",
  max_rounds: "--max-rounds",
  task_type: "the kind of task",
  account_profile: "the account",
  runtime_tools: "the tools of the runtime profile",
  artifacts_cursor: "the cursor",
  "input.command": "--command",
  "input.stdin": "--stdin",
  "input.shell": "--shell",
  "shell: true": "--shell",
  "input.cwd": "--cwd",
};

const named = new RegExp(
  `(?<![\\w.-])(${Object.keys(terms)
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replaceAll(".", "\\."))
    .join("|")})(?![\\w.]*\\w)`,
  "g",
);

/** A command of ours that asks a system, with the task it asks for. */
const command =
  /\bagent-dispatch (?:local (?:stop|status)|local|group (?:add|list|inspect|update|remove)|cache (?:stats|clear)|gc|list|sessions|stats|stop-all|admission|parallel|dialogue|tree <id>|tree|check|doctor|accounts|capabilities|runtimes|init|run|add|update|remove|describe|(?:status|events|logs|wait|result|artifacts get|artifacts|cancel|send-task-input|a2a-send)(?: <id>| task_\w+)?)(?![\w-])/g;

/** Our name before a command, where nobody has said yet how it is called here. */
const ours = /(?<!npx |[\w./-])agent-dispatch(?= [a-z])/g;

/**
 * A hint in the terms of the command line; `taskId` stands where a command wants one, if it is known. Each command in it
 * asks the system that `place` names: as it stands there it may be typed.
 */
export const hintInTerms = (hint: string, place: Place, taskId = "<id>"): string =>
  hint
    .replaceAll(named, (name) => terms[name] ?? name)
    .replaceAll(command, (words) => words.replace("agent-dispatch", commandName) + placeWords(place))
    .replaceAll(ours, () => commandName())
    .replaceAll("<id>", taskId);

/** A refusal as it is told at the command line: it names commands and options where tools have names and fields. */
export function inTerms(problem: Problem, place: Place): Problem {
  const taskId = typeof problem.details?.taskId === "string" ? problem.details.taskId : undefined;
  return {
    ...problem,
    message: hintInTerms(problem.message, place, taskId),
    ...(problem.hint !== undefined && { hint: hintInTerms(problem.hint, place, taskId) }),
  };
}
