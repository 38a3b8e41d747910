import type { ToolName } from "../../contract/tools/index.ts";

/**
 * Whether a call whose answer was lost may be made again: `freely`, because twice is no more than once; only `keyed`, with
 * the idempotency key that it carried the first time; or `never`.
 */
export type Repeating = "freely" | "keyed" | "never";

/** As the tools' annotations and inputs say; a test compares them. Written here again because the tools bring all their schemas. */
export const repeatingTools: Readonly<Record<ToolName, Repeating>> = {
  spawn_cloud_agent: "keyed",
  dispatch_task: "keyed",
  send_task_input: "never",
  a2a_send: "never",
  add_agent: "never",
  remove_agent: "never",
  update_agent: "freely",
  cancel_task: "freely",
  wait_for_task: "freely",
  get_task_result: "freely",
  get_task_logs: "freely",
  get_task_status: "freely",
  list_tasks: "freely",
  check_cloud_agent_runtime: "freely",
  list_providers: "freely",
  list_capabilities: "freely",
  list_account_profiles: "freely",
  list_sessions: "freely",
  stop_all: "freely",
  set_admission: "freely",
  get_usage: "freely",
  get_task_tree: "freely",
  dispatch_gc: "freely",
  cache_stats: "freely",
  cache_clear: "freely",
  list_agents: "freely",
  inspect_agent: "freely",
  list_groups: "freely",
  inspect_group: "freely",
  add_group: "never",
  update_group: "freely",
  remove_group: "never",
  dispatch: "keyed",
  dispatch_session: "keyed",
  dispatch_parallel: "keyed",
  dispatch_stream: "keyed",
  dispatch_dialogue: "keyed",
  dispatch_async: "keyed",
  dispatch_status: "freely",
  dispatch_wait: "freely",
  dispatch_cancel: "freely",
  dispatch_jobs: "freely",
  fetch_result: "freely",
};
