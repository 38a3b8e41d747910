import type { Json } from "../../../lib/contract/task.ts";

/**
 * The calls that the README of the Python program agent-dispatch 0.16.0 shows, in its order
 * (https://pypi.org/project/agent-dispatch/0.16.0/): a tool, what it is given, and the fields that its answer has there.
 * `kept` has what earlier answers left under a name.
 */
export type ReadmeCall = {
  what: string;
  tool: string;
  args: Json | ((kept: Record<string, Json>) => Json);
  /** Names of fields that the answer has; of a list, each of its items. `a.b` is a field of an inner object. */
  fields: string;
  /** Values that follow from the call alone. */
  says?: Json;
  /** The name under which later calls find the answer. */
  keep?: string;
};

const asked = { caller: "backend", goal: "debug production crash" };
const logs = { agent: "infra", task: "Check container logs for errors related to the scheduler service" };
const recommended = { ...logs, context: "Error: TypeError at scheduler.py:42", ...asked };
const result = "agent success result session_id cost_usd duration_ms num_turns";
const both = [
  { agent: "infra", task: "check pod logs for errors", caller: "backend", goal: "debug crash" },
  { agent: "db", task: "are all migrations applied?", caller: "backend", goal: "debug crash" },
];
const job = "id agent task status created_at";
const member = "agent use_for healthy";

export const readmeCalls: readonly ReadmeCall[] = [
  {
    what: "list_agents",
    tool: "list_agents",
    args: {},
    fields:
      "name directory description healthy has_claude_md has_mcp_config mcp_servers stacks dbs capabilities risky_capabilities permission_mode allowed_tools",
  },
  {
    what: "inspect_agent",
    tool: "inspect_agent",
    args: { name: "infra", preview_lines: 40 },
    fields:
      "name directory description timeout max_budget_usd permission_mode allowed_tools capabilities risky_capabilities instructions healthy mcp_servers stacks dbs has_claude_md has_readme has_mcp_config claude_md_preview readme_preview",
    says: { name: "infra", timeout: 300, instructions: "Read-only.", has_readme: true, claude_md_preview: "# Infra" },
  },
  {
    what: "list_groups",
    tool: "list_groups",
    args: {},
    fields: "name description shared_context_present member_count members",
  },
  {
    what: "inspect_group",
    tool: "inspect_group",
    args: { name: "shop" },
    fields: `name description shared_context member_count ${member.replace(/\w+/g, "members.$&")}`,
    says: { shared_context: "Prod runs in Portainer stack shop.", member_count: 1 },
  },
  {
    what: "dispatch with a group",
    tool: "dispatch",
    args: {
      agent: "infra",
      task: "Redeploy the shop-web container",
      caller: "shop-web",
      goal: "ship the checkout fix",
      group: "shop",
    },
    fields: `${result} outcome`,
    says: { success: true, outcome: "done" },
  },
  {
    what: "dispatch, recommended form",
    tool: "dispatch",
    args: recommended,
    fields: `${result} outcome`,
    says: { agent: "infra", success: true, outcome: "done", cost_usd: 0.02 },
    keep: "first",
  },
  {
    what: "dispatch again: answered at once",
    tool: "dispatch",
    args: recommended,
    fields: `${result} outcome cached`,
    says: { cached: true, success: true },
  },
  {
    what: "dispatch, a tool was blocked",
    tool: "dispatch",
    args: { agent: "db", task: "Map it offline, or run one read-only query" },
    fields: `${result} denied_tools hint`,
    says: { success: true, denied_tools: ["Bash"] },
  },
  {
    what: "dispatch, JSON",
    tool: "dispatch",
    args: { agent: "infra", task: "Count the errors, as JSON", response_format: "json" },
    fields: `${result} parsed_result`,
    says: { success: true, parsed_result: { errors: 3 } },
  },
  {
    what: "dispatch, not finished",
    tool: "dispatch",
    args: { agent: "infra", task: "Restart horizon, half of it" },
    fields: `${result} outcome hint`,
    says: { success: true, outcome: "partial" },
  },
  {
    what: "dispatch_session, turn 1",
    tool: "dispatch_session",
    args: { agent: "infra", task: "List running containers" },
    fields: result,
    says: { success: true },
    keep: "turn",
  },
  {
    what: "dispatch_session, turn 2",
    tool: "dispatch_session",
    args: ({ turn }) => ({ agent: "infra", task: "Restart the nginx one", session_id: turn?.session_id }),
    fields: result,
    says: { success: true },
  },
  {
    what: "dispatch_parallel",
    tool: "dispatch_parallel",
    args: { dispatches: JSON.stringify(both) },
    fields: result,
  },
  {
    what: "dispatch_parallel with aggregate",
    tool: "dispatch_parallel",
    args: { dispatches: JSON.stringify(both), aggregate: "backend" },
    fields: `${result} cached`
      .replace(/\w+/g, "individual_results.$&")
      .concat(" ", result.replace(/\w+/g, "aggregated.$&")),
  },
  {
    what: "dispatch_stream",
    tool: "dispatch_stream",
    args: { ...recommended, timeout_seconds: 120 },
    fields: `${result} outcome`,
    says: { success: true, outcome: "done" },
  },
  {
    what: "dispatch_dialogue",
    tool: "dispatch_dialogue",
    args: { requester: "backend", responder: "db", topic: "Apply the migrations on an environment", max_rounds: 3 },
    fields:
      "resolved rounds total_cost_usd total_duration_ms final_answer conversation.agent conversation.role conversation.round conversation.message conversation.cost_usd",
    says: { resolved: true, rounds: 2, final_answer: "Applied." },
  },
  {
    what: "add_agent",
    tool: "add_agent",
    args: ({ folders }) => ({
      name: "web",
      directory: folders?.web,
      description: "The pages",
      timeout: 120,
      allowed_tools: "Bash,Read,Edit",
      capabilities: "docker_logs,deploy_debug",
      risky_capabilities: "restart_services",
      instructions: "Answer briefly.",
    }),
    fields: "added directory description allowed_tools capabilities risky_capabilities instructions",
    says: { added: "web", allowed_tools: ["Bash", "Read", "Edit"], instructions: "Answer briefly." },
  },
  {
    what: "update_agent",
    tool: "update_agent",
    args: { name: "web", allowed_tools: "none", max_budget_usd: 2, model: "sonnet" },
    fields: "updated fields",
    says: { updated: "web" },
  },
  { what: "remove_agent", tool: "remove_agent", args: { name: "web" }, fields: "removed", says: { removed: "web" } },
  {
    what: "dispatch with return_ref",
    tool: "dispatch",
    args: { agent: "infra", task: "audit every container", return_ref: true, summary_chars: 200 },
    fields: "ref agent success size summary_chars summary session_id cost_usd duration_ms num_turns",
    says: { success: true, summary_chars: 200 },
    keep: "ref",
  },
  { what: "fetch_result", tool: "fetch_result", args: ({ ref }) => ({ ref: ref?.ref }), fields: `${result} outcome` },
  {
    what: "fetch_result, cut",
    tool: "fetch_result",
    args: ({ ref }) => ({ ref: ref?.ref, max_chars: 20 }),
    fields: `${result} truncated full_size`,
    says: { truncated: true },
  },
  {
    what: "dispatch_async",
    tool: "dispatch_async",
    args: { agent: "infra", task: "audit every container log for OOM kills today" },
    fields: "job_id status agent",
    keep: "job",
  },
  {
    what: "dispatch_status",
    tool: "dispatch_status",
    args: ({ job: known }) => ({ job_id: known?.job_id }),
    fields: job,
  },
  {
    what: "dispatch_wait",
    tool: "dispatch_wait",
    args: ({ job: known }) => ({ job_id: known?.job_id, timeout_seconds: 120 }),
    fields: `${job} started_at completed_at progress ${result.replace(/\w+/g, "result.$&")}`,
    says: { status: "done" },
  },
  {
    what: "dispatch_cancel",
    tool: "dispatch_cancel",
    args: ({ job: known }) => ({ job_id: known?.job_id }),
    fields: "job_id outcome status",
    says: { outcome: "already_terminal", status: "done" },
  },
  {
    what: "dispatch_jobs",
    tool: "dispatch_jobs",
    args: ({ job: known }) => ({ status: "done", agent: "infra", limit: known ? 1 : 50 }),
    fields: `${job} completed_at success`,
  },
  {
    what: "dispatch_gc, dry run",
    tool: "dispatch_gc",
    args: { max_age_days: 30, dry_run: true },
    fields: "dry_run purged would_purge job_ids max_age_days",
    says: { dry_run: true, purged: 0, would_purge: 0, job_ids: [] },
  },
  { what: "cache_stats", tool: "cache_stats", args: {}, fields: "size max_size hits misses hit_rate ttl" },
  { what: "typical in list_agents", tool: "list_agents", args: {}, fields: "name" },
  { what: "cache_clear", tool: "cache_clear", args: {}, fields: "cleared" },
  { what: "an agent that there is not", tool: "dispatch", args: { agent: "foo", task: "x" }, fields: "error" },
  { what: "a list that is no JSON", tool: "dispatch_parallel", args: { dispatches: "[" }, fields: "error" },
];
