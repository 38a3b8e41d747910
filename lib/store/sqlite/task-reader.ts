import type { ReadableStore } from "../port.ts";
import { artifactList } from "./artifact-list.ts";
import { eventLog } from "./event-log.ts";
import { pauses } from "./pauses.ts";
import { queue } from "./queue.ts";
import { readDatabase } from "./read-only.ts";
import { bodies } from "./task-body.ts";
import { taskLists } from "./task-lists.ts";
import { taskReading } from "./task-reading.ts";
import { trees } from "./trees.ts";

type TaskReader = ReadableStore & {
  /** The ids that begin so, the newest first; behind the prefix stand hexadecimal digits. */
  idsBeginning(prefix: string): string[];
  close(): void;
};

/**
 * What the task store in a folder holds, for reads alone, as `readDatabase` opens it. Tasks that have expired are among the
 * others for as long as they are there.
 */
export function openTaskReader(folder: string): TaskReader | undefined {
  const db = readDatabase(folder);
  if (!db) return undefined;
  const seconds = () => 0;
  // Nobody reads the values of environment variables.
  const { toTask } = bodies({ get: () => undefined, put: () => {} });
  const { read, readable } = taskReading(db, { toTask, seconds });
  const { list } = taskLists(db, { readable, seconds });
  const { listEvents, readLog } = eventLog(db);
  const { getArtifacts } = artifactList(db);
  const { countAhead } = queue(db);
  const { listPauses } = pauses(db);
  const { getTree } = trees(db);
  const beginning = db.prepare("SELECT id FROM tasks WHERE id >= :prefix AND id < :prefix || 'g' ORDER BY number DESC");
  const idsBeginning = (prefix: string) =>
    (db.read(() => beginning.all({ prefix })) as { id: string }[]).map(({ id }) => id);
  const close = () => db.close();
  const lists = { list, listEvents, readLog, getArtifacts, countAhead, listPauses, getTree, idsBeginning };
  return { get: async (id) => read(id), ...lists, close };
}
