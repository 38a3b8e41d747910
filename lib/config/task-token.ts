import { createHmac, timingSafeEqual } from "node:crypto";
import { taskIdSchema } from "../contract/task-id.ts";

const FORM = /^adt_([0-9a-f]{32})_([0-9a-f]{64})$/;

/**
 * The token by which the agent of a task dispatches tasks of its own: it names the task, and only who has the secret of the
 * system can make it. Nothing of it is kept. Throws a ZodError for what is no task id.
 */
export function taskToken(secret: string, taskId: string): string {
  const id = taskIdSchema.parse(taskId);
  return `adt_${id.slice("task_".length)}_${macOf(secret, id)}`;
}

/** The task that such a token is for, compared in constant time; undefined for every other text. */
export function taskOfToken(secret: string, given: string): string | undefined {
  const [, digits, mac = ""] = FORM.exec(given) ?? [];
  if (digits === undefined) return undefined;
  const id = `task_${digits}`;
  return timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(secret, id))) ? id : undefined;
}

/** Its own words keep it apart from other uses of the secret. */
const macOf = (secret: string, taskId: string): string =>
  createHmac("sha256", secret).update(`agentdispatch task\n${taskId}`).digest("hex");
