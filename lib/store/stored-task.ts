import * as z from "zod";
import { RefusedError } from "../contract/errors.ts";
import { isObject } from "../contract/json.ts";
import { statuses } from "../contract/lifecycle.ts";
import type { Json, Session, Task } from "../contract/task.ts";
import type { TaskStore } from "./port.ts";

/** Without these nothing can be done with a task, or decided about it; the rest is as this program wrote it. */
const coreSchema = z.looseObject({
  status: z.enum(statuses),
  executionNumber: z.number(),
  revision: z.number(),
  backend: z.string(),
  profile: z.string(),
  input: z.record(z.string(), z.unknown()),
  target: z.looseObject({}),
  limits: z.looseObject({}),
  phases: z.record(z.string(), z.string()),
  obligations: z.record(z.string(), z.string()),
  providerRefs: z.record(z.string(), z.string()),
  createdAt: z.iso.datetime(),
});

const CODE = "platform.task_unreadable";

/** A task whose record is damaged. Others are not affected by it. */
const taskUnreadable = (id: string, cause?: unknown) =>
  new RefusedError(CODE, `the record of task ${id} is damaged and cannot be read`, {
    hint: "put back a copy of the store to get it back; no other task is affected",
    cause,
  });

/** Whether the error says that the record of a task is damaged. */
export const isUnreadable = (error: unknown): error is RefusedError =>
  error instanceof RefusedError && error.code === CODE;

/**
 * A task as the object that is stored. Some fields have the names that the first versions gave them, because a program of
 * such a version may read and write the same records while an update is under way.
 */
export function toStored({ executionNumber, obligations, recoveries, session, ...rest }: Partial<Task>): Json {
  return {
    ...rest,
    n: executionNumber,
    owes: obligations,
    ...(recoveries && { revivals: recoveries }),
    ...(session && { session: toStoredSession(session) }),
  };
}

const toStoredSession = ({ inFlight, suspicions, ...rest }: Session): Json => ({
  ...rest,
  uses: inFlight,
  ...(suspicions !== undefined && { goneProofs: suspicions }),
});

function fromStored({ n, owes, revivals, session, ...rest }: Json): Json {
  return {
    ...rest,
    executionNumber: n,
    obligations: owes,
    ...(revivals !== undefined && { recoveries: revivals }),
    ...(isObject(session) && { session: fromStoredSession(session) }),
  };
}

const fromStoredSession = ({ uses, goneProofs, ...rest }: Json): Json => ({
  ...rest,
  inFlight: uses,
  ...(goneProofs !== undefined && { suspicions: goneProofs }),
});

/** A task from its JSON and what is stored beside that. Throws RefusedError `platform.task_unreadable`. */
export function parseTask(id: string, json: () => string, beside: Partial<Task> = {}): Task {
  try {
    const task = { id, ...beside, ...fromStored(JSON.parse(json())) };
    coreSchema.parse(task);
    return withChannel(task as unknown as Task);
  } catch (error) {
    throw taskUnreadable(id, error);
  }
}

/** A task of an older version has none: where its references say whether its runtime has the contract, they decide. */
function withChannel(task: Task): Task {
  const { contract } = task.providerRefs;
  if (task.channel !== undefined || contract === undefined) return task;
  return { ...task, channel: contract === "none" ? "synchronous" : "call" };
}

/** Reads a task for the sake of others: one whose record is damaged is to them as one that is not there. */
export async function readable(store: Pick<TaskStore, "get">, id: string): Promise<Task | undefined> {
  try {
    return await store.get(id);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}
