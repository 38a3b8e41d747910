import { afterAll, beforeAll } from "vitest";
import { randomHex } from "../../lib/contract/task-id.ts";
import type { TaskStore } from "../../lib/store/port.ts";
import type { OpenStore, OpenStoreFunction } from "./task-store.ts";

/** One store for all tests of a block, opened before the first. */
export function sharedStore(open: OpenStoreFunction): () => TaskStore {
  let opened: OpenStore | undefined;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(async () => opened?.close());
  return () => {
    if (!opened) throw new Error("the store is open inside tests only");
    return opened.store;
  };
}

/** An owner whom no other test knows. */
export const newOwner = () => `owner-${randomHex(8)}`;

/** Strings that break what is careless with them. */
export const hostileStrings = [
  "__proto__",
  "constructor",
  "a\0b",
  "line\nbreak\r\u2028",
  "👩‍👩‍👧‍👦 é e\u0301 \u202e",
  "'; DROP TABLE tasks; --",
  "../../etc/passwd",
  "%00 %2e%2e/",
  " ",
  "x".repeat(1500),
];

/** Every item, page by page; fails when paging does not come to an end. */
export async function allPages<T>(page: (cursor?: string) => Promise<{ items: T[]; cursor?: string }>): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 1000; pages++) {
    const result = await page(cursor);
    items.push(...result.items);
    if (result.cursor === undefined) return items;
    cursor = result.cursor;
  }
  throw new Error("paging does not end");
}
