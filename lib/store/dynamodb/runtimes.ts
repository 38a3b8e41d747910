import type { Logger } from "../../contract/logger.ts";
import { isLive, type SharedRuntime } from "../../contract/runtimes.ts";
import type { RuntimeStore } from "../port.ts";
import { editedRuntime, parseRuntime, readableRuntimes, runtimeExpiry } from "../stored-runtime.ts";
import { settled } from "./conflicts.ts";
import type { Item, Items } from "./items.ts";
import { runtimeKey, runtimesPartition } from "./keys.ts";
import { isExpired } from "./task-item.ts";

const MAX_CONFLICTS = 50;

/**
 * Runtimes that tasks share, an item each. Many tasks may take one at once, so its users are a set beside the rest, to which each
 * adds itself without having read it; every other write names the revision that it has seen.
 */
export function runtimes(items: Items, now: () => number, log?: Logger): RuntimeStore {
  const read = async (id: string): Promise<Item | undefined> => {
    const item = await items.get(runtimeKey(id));
    return item && !isExpired(item, now()) ? item : undefined;
  };
  const isUser = async (id: string, taskId: string) => usersOf(await read(id)).includes(taskId);

  return {
    async getRuntime(id) {
      const item = await read(id);
      return item && toRuntime(item);
    },

    async listRuntimes(fingerprint) {
      const all = { expression: "#pk = :pk", values: { pk: runtimesPartition } };
      const alike = {
        expression: "#pk = :pk AND begins_with(#sk, :prefix)",
        values: { pk: runtimesPartition, prefix: `${fingerprint}-` },
      };
      const found: Item[] = [];
      for await (const page of items.pages({ where: fingerprint === undefined ? all : alike })) found.push(...page);
      const kept = found.filter((item) => !isExpired(item, now()));
      return readableRuntimes(kept, toRuntime, log);
    },

    async changeRuntime(id, edit) {
      const { runtime } = await settled(
        `runtime ${id}`,
        async () => {
          const item = await read(id);
          const seen = item && toRuntime(item);
          const next = editedRuntime(id, seen, edit);
          if (!next) return { runtime: seen };
          // Says which write it was, where the answer to one was lost.
          const mark = crypto.randomUUID();
          const condition = item
            ? { expression: "#revision = :seen", values: { seen: item.revision } }
            : {
                expression: "attribute_not_exists(#pk) OR #expires <= :now",
                values: { now: Math.floor(now() / 1000) },
              };
          const hasLanded = async () => (await read(id))?.mark === mark;
          return (await items.put({ ...toItem(next, now()), mark }, condition, hasLanded))
            ? { runtime: next }
            : undefined;
        },
        { most: MAX_CONFLICTS },
      );
      return runtime;
    },

    takeRuntime: (id, taskId, atMs) =>
      items.update(
        runtimeKey(id),
        {
          expression: "ADD #users :user, #revision :one SET #lastUsedAtMs = :at",
          values: { user: new Set([taskId]), one: 1, at: atMs, yes: true },
        },
        "#isLive = :yes",
        () => isUser(id, taskId),
      ),

    async releaseRuntime(id, taskId, atMs) {
      await items.update(
        runtimeKey(id),
        {
          expression: "DELETE #users :user ADD #revision :one SET #lastUsedAtMs = :at",
          values: { user: new Set([taskId]), one: 1, at: atMs, id: taskId },
        },
        "contains(#users, :id)",
        async () => !(await isUser(id, taskId)),
      );
    },
  };
}

const usersOf = (item: Item | undefined): string[] => [...((item?.users as Set<string> | undefined) ?? [])].sort();

const toRuntime = (item: Item): SharedRuntime =>
  parseRuntime(item.body, { revision: item.revision, lastUsedAtMs: item.lastUsedAtMs, users: usersOf(item) });

/** What single writes change stands beside the rest. */
function toItem({ revision, users, lastUsedAtMs, ...rest }: SharedRuntime, nowMs: number) {
  const expires = runtimeExpiry({ ...rest, revision, users, lastUsedAtMs }, nowMs);
  return {
    ...runtimeKey(rest.id),
    revision,
    lastUsedAtMs,
    isLive: isLive(rest),
    body: JSON.stringify(rest),
    // There is no empty set.
    ...(users.length > 0 && { users: new Set(users) }),
    ...(expires !== undefined && { expires }),
  };
}
