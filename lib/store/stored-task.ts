import { RefusedError } from "../contract/errors.ts";
import { isObject } from "../contract/json.ts";
import { asKnown } from "../contract/said-problem.ts";
import { type Json, type Session, TASK_VERSION, type Task, taskSchema } from "../contract/task.ts";
import type { TaskStore } from "./port.ts";

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

/** Of a task that is made of others, which programs of version 2 do not know: they leave it alone. */
const MADE_OF_OTHERS = 3;

const NEWER = "platform.newer_version";

/** Whether the error says that a newer version of this program wrote the record of a task. */
export const isNewer = (error: unknown): error is RefusedError => error instanceof RefusedError && error.code === NEWER;

/** A task that a newer version of this program wrote. Nothing is known of it here, and nothing is done to it. */
const newerVersion = (id: string, version: number) =>
  new RefusedError(NEWER, `the record of task ${id} has version ${version}; known is ${TASK_VERSION}`, {
    hint: "update AgentDispatch to the version that wrote it",
    details: { version, known: TASK_VERSION },
  });

/**
 * A task as the object that is stored. Some fields have the names that the first versions gave them, because a program of
 * such a version may read and write the same records while an update is under way.
 */
export function toStored({ executionNumber, obligations, recoveries, session, ...rest }: Task): Json {
  return {
    ...rest,
    ...(rest.orchestration && { version: MADE_OF_OTHERS }),
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

const fromStored = ({ n, owes, revivals, session, ...rest }: Json): Json => ({
  ...rest,
  executionNumber: n,
  obligations: owes,
  ...(revivals !== undefined && { recoveries: revivals }),
  ...(isObject(session) && { session: fromStoredSession(session) }),
});

const fromStoredSession = ({ uses, goneProofs, ...rest }: Json): Json => ({
  ...rest,
  inFlight: uses,
  ...(goneProofs !== undefined && { suspicions: goneProofs }),
});

/**
 * Adds to a record of version 1 what one of version 2 has. That counted the log in UTF-16 units only, counted no attempts to
 * make a runtime at first, and had no channel, which follows from what its references say of the contract. A program of
 * version 1 leaves the number as it is when it changes a record, so this is done to every one.
 */
function upgradeFrom1(record: Json): void {
  const { obligations, providerRefs } = record;
  record.logBytes ??= record.logLength;
  if (isObject(obligations) && obligations.runtime !== undefined) record.creations ??= 1;
  if (isObject(providerRefs) && providerRefs.contract !== undefined)
    record.channel ??= providerRefs.contract === "none" ? "synchronous" : "call";
}

/** Brings a record to the version of this program. Throws RefusedError `platform.newer_version`. */
function upgrade(id: string, record: Json): void {
  const { version = 1 } = record;
  const isMadeOfOthers = version === MADE_OF_OTHERS && record.orchestration !== undefined;
  if (typeof version === "number" && version > TASK_VERSION && !isMadeOfOthers) throw newerVersion(id, version);
  if (version === 1 || isMadeOfOthers) record.version = TASK_VERSION;
  upgradeFrom1(record);
}

/** Whether it is what this program calls a task. Fields that it does not know stay, for the program that wrote them. */
const isTask = (record: Json, isKnown: boolean): record is Task => isKnown || taskSchema.safeParse(record).success;

/**
 * A task from its JSON, of any version up to this one; `complete` adds what is stored beside that. It is held against the
 * schema, unless that very JSON is known to be a task's. Throws RefusedError `platform.task_unreadable` or
 * `platform.newer_version`.
 */
export function parseTask(
  id: string,
  json: () => string,
  complete: (record: Json) => Json,
  { isKnown = false }: { isKnown?: boolean } = {},
): Task {
  const task = { ...fromStored(complete(recordOf(id, json))), id };
  upgrade(id, task);
  if (isTask(task, isKnown)) {
    if (task.error) task.error = asKnown(task.error);
    return task;
  }
  throw taskUnreadable(id, taskSchema.safeParse(task).error);
}

function recordOf(id: string, json: () => string): Json {
  let record: unknown;
  try {
    record = JSON.parse(json());
  } catch (error) {
    throw taskUnreadable(id, error);
  }
  if (isObject(record)) return record;
  throw taskUnreadable(id);
}

/**
 * Reads a task for the sake of others: one whose record is damaged is to them as one that is not there. Of one that a newer
 * version of the program wrote they know only that it is there.
 */
export async function readableOrNewer(store: Pick<TaskStore, "get">, id: string): Promise<Task | "newer" | undefined> {
  try {
    return await store.get(id);
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    if (isNewer(error)) return "newer";
    throw error;
  }
}

/** As `readableOrNewer`, for those to whom one of a newer version is as one that is not there. */
export async function readable(store: Pick<TaskStore, "get">, id: string): Promise<Task | undefined> {
  const task = await readableOrNewer(store, id);
  return task === "newer" ? undefined : task;
}
