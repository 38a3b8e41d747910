import { RETENTION_DAYS } from "../../contract/task.ts";
import type { TaskStore, Tree, TreeAnswer } from "../port.ts";
import { beyondRetention } from "../retention.ts";
import { settled } from "./conflicts.ts";
import type { Item, Items } from "./items.ts";
import { treeKey } from "./keys.ts";

const PREFIX = "task_";
/** Of the 32 digits of an id 22 characters, because all of a tree stand in one item. */
const toShort = (id: string) => Buffer.from(id.slice(PREFIX.length), "hex").toString("base64url");
const toId = (short: string) => `${PREFIX}${Buffer.from(short, "base64url").toString("hex")}`;

const COUNT = "of_";
/** What is set aside for a task, in millionths of a dollar; and of the whole tree that together with what those cost that have ended. */
const [ASIDE, DRAWN] = ["for_", "drawn"] as const;
const MILLION = 1e6;
/** Of tasks whose cost is not known yet, and of those of which it was added. */
const [OPEN, PAID] = ["unpaid", "paid"] as const;

/** The trees of tasks, an item each: who is in it is a set, so that a task that is counted again is counted once. */
export function trees(
  items: Items,
  now: () => number,
  retentionDays = RETENTION_DAYS,
): Pick<TaskStore, "enterTree" | "setAside" | "addCost" | "getTree" | "getSpending"> {
  const read = (root: string): Promise<Item | undefined> => items.get(treeKey(root));
  const has = (item: Item | undefined, short: string) => idsOf(item, OPEN).has(short) || idsOf(item, PAID).has(short);

  return {
    async enterTree(root, { taskId, parent }, { mostTasks, mostChildren }) {
      const id = toShort(taskId);
      const count = COUNT + toShort(parent);
      const enter = () => {
        const update = {
          expression: "SET #expires = :expires ADD #open :ids, #tasks :one, #count :one",
          names: { open: OPEN, paid: PAID, count },
          values: {
            ...{ expires: beyondRetention(now(), retentionDays), ids: new Set([id]), one: 1, id },
            ...{ mostTasks, mostChildren },
          },
        };
        const condition = `NOT contains(#open, :id) AND NOT contains(#paid, :id)
          AND (attribute_not_exists(#tasks) OR #tasks < :mostTasks)
          AND (attribute_not_exists(#count) OR #count < :mostChildren)`;
        return items.update(treeKey(root), update, condition, async () => has(await read(root), id));
      };
      return settled("a tree of tasks", async (): Promise<TreeAnswer | undefined> => {
        if (mostTasks > 0 && mostChildren > 0 && (await enter())) return "entered";
        const item = await read(root);
        if (has(item, id)) return "entered";
        if (Number(item?.[count] ?? 0) >= mostChildren) return "children_full";
        return Number(item?.tasks ?? 0) >= mostTasks ? "tree_full" : undefined;
      });
    },

    async setAside(root, taskId, usd, mostUsd) {
      const id = toShort(taskId);
      const aside = ASIDE + id;
      const most = Math.min(Number.MAX_SAFE_INTEGER, Math.floor(mostUsd * MILLION + 1e-3));
      const wanted = Math.min(most, Math.floor(usd * MILLION + 1e-3));
      const take = (amount: number) =>
        items.update(
          treeKey(root),
          {
            expression: "SET #aside = :amount ADD #drawn :amount",
            names: { aside, drawn: DRAWN, open: OPEN },
            values: { id, amount, room: most - amount },
          },
          `contains(#open, :id) AND attribute_not_exists(#aside)
            AND (attribute_not_exists(#drawn) OR #drawn <= :room)`,
          async () => asideOf(await read(root), id) === amount,
        );
      let amount = wanted;
      return settled("a tree of tasks", async (): Promise<{ usd: number | undefined } | undefined> => {
        if (amount > 0 && (await take(amount))) return { usd: amount / MILLION };
        const item = await read(root);
        if (!idsOf(item, OPEN).has(id)) return { usd: undefined };
        const before = asideOf(item, id);
        if (before !== undefined) return { usd: before / MILLION };
        amount = Math.min(wanted, most - Number(item?.[DRAWN] ?? 0));
        return amount > 0 ? undefined : { usd: 0 };
      }).then((answer) => answer.usd);
    },

    async addCost(root, taskId, usd) {
      const id = toShort(taskId);
      const aside = ASIDE + id;
      const millionths = Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(usd * MILLION));
      const pay = (before?: number) =>
        items.update(
          treeKey(root),
          {
            expression: `DELETE #open :ids ADD #paid :ids, #spent :usd, #drawn :more${before === undefined ? "" : " REMOVE #aside"}`,
            names: { open: OPEN, paid: PAID, drawn: DRAWN, aside },
            values: {
              ids: new Set([id]),
              usd,
              id,
              more: millionths - (before ?? 0),
              ...(before !== undefined && { before }),
            },
          },
          `contains(#open, :id) AND ${before === undefined ? "attribute_not_exists(#aside)" : "#aside = :before"}`,
          async () => idsOf(await read(root), PAID).has(id),
        );
      // Most calls come again for what was added, and to read the item costs far less than a write that is refused.
      await settled("a tree of tasks", async () => {
        const item = await read(root);
        return !idsOf(item, OPEN).has(id) || (await pay(asideOf(item, id))) ? true : undefined;
      });
    },

    async getTree(root): Promise<Tree | undefined> {
      const item = await read(root);
      if (!item) return undefined;
      const counts = Object.entries(item).filter(([name]) => name.startsWith(COUNT));
      return {
        tasks: [...idsOf(item, OPEN), ...idsOf(item, PAID)].map(toId).sort(),
        children: Object.fromEntries(counts.map(([name, count]) => [toId(name.slice(COUNT.length)), Number(count)])),
        spentUsd: Number(item.spent ?? 0),
        setAsideUsd: Object.fromEntries(
          asides(item).map(([name, amount]) => [toId(name.slice(ASIDE.length)), Number(amount) / MILLION]),
        ),
      };
    },

    async getSpending(root, of) {
      const item = (await read(root)) ?? {};
      const known = of.map((id) => [id, asideOf(item, toShort(id))] as const);
      return {
        spentUsd: Number(item.spent ?? 0),
        setAsideUsd: asides(item).reduce((sum, [, amount]) => sum + Number(amount), 0) / MILLION,
        asideOf: Object.fromEntries(
          known.flatMap(([id, amount]) => (amount === undefined ? [] : [[id, amount / MILLION]])),
        ),
      };
    },
  };
}

/** What is set aside, for each task. */
const asides = (item: Item) => Object.entries(item).filter(([name]) => name.startsWith(ASIDE));

const asideOf = (item: Item | undefined, short: string): number | undefined => {
  const amount = item?.[ASIDE + short];
  return typeof amount === "number" ? amount : undefined;
};

const idsOf = (item: Item | undefined, name: string): ReadonlySet<string> => {
  const set = item?.[name];
  return set instanceof Set ? set : new Set();
};
