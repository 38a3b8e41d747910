import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { RefusedError } from "../../contract/errors.ts";
import { hasEnded, type Task } from "../../contract/task.ts";
import { TASK_HEADER, taskNamedBy } from "../../contract/tokens/task-token.ts";
import { ownerOf } from "../../engine/owner.ts";
import type { Ports, Reaching } from "../../engine/ports.ts";
import { mayDispatch } from "../../engine/starting.ts";
import type { Caller } from "../../engine/tree/within.ts";

/** How the agent of a task reaches that endpoint: with a token that nobody keeps but the agent; its record has the sha256. */
export function reachingFor(endpoint: string, { id }: Pick<Task, "id">): Reaching {
  const token = `${id}.${randomBytes(32).toString("hex")}`;
  return { by: { endpoint, token }, proof: sha256(token).toString("hex") };
}

const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

type Door = Pick<Ports, "store" | "configuration" | "backends">;
export type Asking = {
  /** The ARN of whoever signed it. */
  principal: string | undefined;
  /** What its header `TASK_HEADER` says, if it has one. */
  token?: string | undefined;
};

/**
 * Who calls the endpoint. `workers` are the ARNs of the roles that agents have: whoever calls with one of these is the agent of
 * the task whose token it shows, and nobody without one, because all tasks share them. Throws RefusedError
 * (`caller.unsupported`, `caller.token_missing`, `caller.token_refused`), and what the store does.
 */
export async function callerOf(ports: Door, workers: readonly string[], request: Asking): Promise<Caller> {
  const owner = ownerOf(request.principal);
  if (request.token !== undefined) return agentOf(ports, owner, request.token);
  if (!workers.some((role) => ownerWithRole(role) === owner)) return { owner };
  throw new RefusedError(
    "caller.token_missing",
    `the caller has the role of agents, which act for one task each: the header ${TASK_HEADER} is missing`,
    {
      hint: "an agent dispatches by its MCP server agent-dispatch, which it has where its runtime profile says mayDispatch",
    },
  );
}

async function agentOf(ports: Door, owner: string, token: string): Promise<Caller> {
  const id = taskNamedBy(token);
  const task = id === undefined ? undefined : await ports.store.get(id);
  if (!task || !isTokenOf(task, token)) throw refused("no task has this token");
  if (hasEnded(task)) throw refused("the task that this token was for is over");
  if (!mayDispatch(ports, task)) throw refused("the profile of this task may not dispatch any more");
  const role = ports.backends[task.backend]?.agentRole?.(task);
  if (role === undefined || ownerWithRole(role) !== owner)
    throw refused(
      "this caller has not the role of the runtime on which the task of this token runs",
      "for a runtime that the configuration names by its ARN, executionRoleArn says which role it has",
    );
  return { owner: task.owner, within: task.id };
}

function isTokenOf({ session }: Task, token: string): boolean {
  const given = sha256(token);
  return (session?.tokens ?? []).some((known) => timingSafeEqual(Buffer.from(known, "hex"), given));
}

/** The owner that all sessions of a role are, whatever the path of that. */
const ownerWithRole = (roleArn: string): string =>
  roleArn.replace(/^arn:([^:]+):iam::(\d{12}):role\/(?:.*\/)?([^/]+)$/, "arn:$1:sts::$2:assumed-role/$3");

const refused = (
  message: string,
  hint = "an agent dispatches with the token that it was given, as long as its task runs",
) => new RefusedError("caller.token_refused", message, { hint });
