import type { DatabaseSync } from "node:sqlite";
import { RefusedError } from "../../contract/errors.ts";

/**
 * One entry per schema version, applied in order; an entry that was released never changes. The number of those applied
 * is kept in the file (`PRAGMA user_version`). `body` comes last in each table, so that the columns before it are read
 * without it. Log text is a BLOB column because that is the one type under which SQLite converts nothing.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE tasks (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    due_ms INTEGER,
    expires_s INTEGER,
    revision INTEGER NOT NULL,
    body TEXT NOT NULL
  );
  CREATE INDEX tasks_by_owner ON tasks (owner, created_ms, number);
  CREATE INDEX tasks_due ON tasks (due_ms) WHERE due_ms IS NOT NULL;
  CREATE INDEX tasks_expiring ON tasks (expires_s) WHERE expires_s IS NOT NULL;

  CREATE TABLE keys (
    hash TEXT PRIMARY KEY,
    task_id TEXT NOT NULL,
    call_hash TEXT NOT NULL,
    expires_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX keys_expiring ON keys (expires_ms);

  CREATE TABLE events (
    task_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (task_id, sequence)
  );

  CREATE TABLE log (
    task_id TEXT NOT NULL,
    offset INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    stream TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    text BLOB NOT NULL,
    PRIMARY KEY (task_id, offset)
  );
  CREATE INDEX log_by_sequence ON log (task_id, sequence);

  CREATE TABLE queue (
    owner TEXT NOT NULL,
    queued_ms INTEGER NOT NULL,
    task_id TEXT NOT NULL,
    profile TEXT NOT NULL,
    PRIMARY KEY (owner, queued_ms, task_id)
  ) WITHOUT ROWID;

  CREATE TABLE slots (
    owner TEXT NOT NULL,
    task_id TEXT NOT NULL,
    profile TEXT NOT NULL,
    PRIMARY KEY (owner, task_id)
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE artifacts (
    task_id TEXT NOT NULL,
    page INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (task_id, page)
  );
  CREATE INDEX tasks_by_status ON tasks (owner, status, created_ms, number);
  `,
  `
  CREATE TABLE expiry_clock (
    number INTEGER PRIMARY KEY CHECK (number = 0),
    time_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL
  );
  `,
  `
  ALTER TABLE queue RENAME TO old_queue;
  CREATE TABLE queue (
    owner TEXT NOT NULL,
    profile TEXT NOT NULL,
    queued_ms INTEGER NOT NULL,
    task_id TEXT NOT NULL,
    PRIMARY KEY (owner, profile, queued_ms, task_id)
  ) WITHOUT ROWID;
  INSERT INTO queue SELECT owner, profile, queued_ms, task_id FROM old_queue;
  DROP TABLE old_queue;

  ALTER TABLE slots ADD COLUMN of_owner INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE slots ADD COLUMN of_profile INTEGER NOT NULL DEFAULT 1;

  CREATE TABLE children (
    parent TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    task_id TEXT NOT NULL,
    PRIMARY KEY (parent, at_ms, task_id)
  ) WITHOUT ROWID;
  INSERT INTO children SELECT body ->> 'parent', created_ms, id FROM tasks
    WHERE due_ms IS NOT NULL AND json_valid(body) AND body ->> 'parent' IS NOT NULL;
  `,
  `
  ALTER TABLE queue ADD COLUMN conversation TEXT;
  CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    expires_s INTEGER NOT NULL,
    body TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX conversations_expiring ON conversations (expires_s);
  `,
  `
  CREATE TABLE runtimes (
    id TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    revision INTEGER NOT NULL,
    expires_s INTEGER,
    body TEXT NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE pauses (
    of_owner INTEGER NOT NULL,
    owner TEXT NOT NULL,
    by TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (of_owner, owner)
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE warm_sessions (
    id TEXT PRIMARY KEY,
    profile TEXT NOT NULL,
    body TEXT NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  CREATE TABLE pauses_by_each (
    of_owner INTEGER NOT NULL,
    owner TEXT NOT NULL,
    by TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    PRIMARY KEY (of_owner, owner, by)
  ) WITHOUT ROWID;
  INSERT INTO pauses_by_each SELECT of_owner, owner, by, since_ms FROM pauses;
  DROP TABLE pauses;
  ALTER TABLE pauses_by_each RENAME TO pauses;
  `,
  `
  DROP INDEX tasks_due;
  CREATE INDEX tasks_due_queued ON tasks (due_ms) WHERE due_ms IS NOT NULL AND status = 'queued';
  CREATE INDEX tasks_due_begun ON tasks (due_ms) WHERE due_ms IS NOT NULL AND status <> 'queued';
  `,
  `
  CREATE TABLE trees (
    root TEXT NOT NULL,
    task_id TEXT NOT NULL,
    parent TEXT NOT NULL,
    cost_usd REAL,
    PRIMARY KEY (root, task_id)
  ) WITHOUT ROWID;
  CREATE INDEX trees_by_parent ON trees (root, parent);
  `,
  `
  CREATE TABLE ledger (
    owner TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    task_id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (owner, created_ms, task_id)
  ) WITHOUT ROWID;
  CREATE INDEX ledger_by_age ON ledger (created_ms);
  `,
  `
  CREATE TABLE answers (
    owner TEXT NOT NULL,
    place INTEGER NOT NULL,
    key TEXT NOT NULL,
    task_id TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (owner, place)
  ) WITHOUT ROWID;
  CREATE TABLE answer_lookups (
    owner TEXT PRIMARY KEY,
    hits INTEGER NOT NULL,
    misses INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  ALTER TABLE trees ADD COLUMN aside_usd REAL;
  `,
];

/**
 * Brings the file to the newest of `steps`, all in one transaction; two processes may do this at once.
 * Throws RefusedError `platform.newer_version` when a newer version of the program has written the file.
 */
export function migrate(database: DatabaseSync, steps: readonly string[] = migrations): void {
  if (version(database, steps) === steps.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Read again under the lock: another process may have migrated in between.
    for (const step of steps.slice(version(database, steps))) database.exec(step);
    database.exec(`PRAGMA user_version = ${steps.length}`);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** Whether the file has the newest schema. Throws RefusedError `platform.newer_version`. */
export const isCurrent = (database: DatabaseSync): boolean => version(database, migrations) === migrations.length;

function version(database: DatabaseSync, steps: readonly string[]): number {
  const row = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (row.user_version <= steps.length) return row.user_version;
  throw new RefusedError(
    "platform.newer_version",
    `the task store has schema version ${row.user_version}; this version of AgentDispatch knows up to ${steps.length}`,
    { hint: "run the newer version of AgentDispatch that wrote it, or choose another state folder" },
  );
}
