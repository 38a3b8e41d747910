/**
 * What a model is told of the server before it has seen a tool: clients that defer tools show it the names of the tools and
 * this, of which they read 2 KB. https://code.claude.com/docs/en/mcp
 */
export const instructions =
  "Runs long jobs in the background: hands a long-running task to an agent or a program on another machine, in the cloud or " +
  "on this one. Use it for work that takes minutes to hours, that several agents can do side by side, or that must go on when " +
  "this conversation ends: give an agent an instruction with spawn_cloud_agent, or start a program such as a build or a test " +
  "run with dispatch_task. Either returns a taskId at once: keep it. Then use wait_for_task until the task has ended, and " +
  "get_task_result, which reads a long result in pages. list_tasks finds tasks of earlier conversations. The resources " +
  "task://{id}, task://{id}/events, task://{id}/logs and task://{id}/result say the same of a task.";
