import { taskOfToken, taskToken } from "../../config/task-token.ts";
import { environmentVariables } from "../../contract/execution-environment.ts";
import { hasEnded } from "../../contract/task.ts";
import type { McpServer } from "../../contract/worker.ts";
import type { Ports } from "../../engine/ports.ts";
import { mayDispatch } from "../../engine/starting.ts";

/** Whom a token lets in: the agent of that task, or nobody any more, and why. */
export type Opened = { within: string } | { refused: string };

/**
 * The task whose agent has a token: it lets in as long as the task runs and the configuration lets its profile dispatch. undefined
 * for a text that this system never gave to a task. Throws what the store does.
 */
export async function openForTask(
  { store, configuration }: Pick<Ports, "store" | "configuration">,
  secret: string,
  given: string,
): Promise<Opened | undefined> {
  const id = taskOfToken(secret, given);
  if (id === undefined) return undefined;
  const task = await store.get(id);
  if (!task || hasEnded(task)) return { refused: "the task that this token was for is over" };
  if (!mayDispatch({ configuration }, task)) return { refused: "the profile of this task may not dispatch any more" };
  return { within: id };
}

/**
 * The MCP server by which the agent of a task reaches this system: the bridge of this package, as the program `launcher` has
 * it. Its secret is in its environment, which no other user can read, and where the system listens it finds each time anew.
 */
export const bridgeForTask = ({
  launcher,
  stateDir,
  secret,
  taskId,
}: {
  launcher: string;
  stateDir: string;
  secret: string;
  taskId: string;
}): McpServer => ({
  command: process.execPath,
  args: [launcher, "bridge", "--state-dir", stateDir],
  env: { [environmentVariables.taskToken]: taskToken(secret, taskId) },
});
