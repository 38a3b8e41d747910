/** An index of the table: its items appear in it only while they have both of its keys. Only keys are projected. */
type Index = { name: string; partitionKey: string; sortKey: string };

/**
 * The one table, as data: what creates it and what reads it cannot disagree. The keys of the table are strings, the sort
 * keys of the indexes numbers. It imports nothing, so that whoever describes infrastructure may read it.
 *
 * The indexes hold keys alone, and a listing reads the items themselves: a task is written some fifteen times in its life,
 * and an index that repeated it would double each of those writes, which cost five times as much as a read.
 */
export const tableDescription = {
  partitionKey: "pk",
  sortKey: "sk",
  /** Epoch seconds from which an item may be deleted. Deletion lags by days, so readers check the time as well. */
  expiry: "expires",
  /** An owner's tasks by the time they were made. */
  byOwner: { name: "by-owner", partitionKey: "owner", sortKey: "created" },
  /**
   * Open tasks by a time before which nobody has to look at them; the partition key is one of a few shards of those that
   * wait, or have begun.
   */
  open: { name: "open", partitionKey: "open", sortKey: "look" },
} as const satisfies Record<string, string | Index>;
