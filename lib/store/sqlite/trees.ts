import type { TaskStore } from "../port.ts";
import type { Database } from "./database.ts";

type Row = { task_id: string; parent: string; cost_usd: number | null; aside_usd: number | null };
type Count = { count: number };

type Trees = Pick<TaskStore, "enterTree" | "setAside" | "addCost" | "getTree" | "getSpending"> & {
  /** As `addCost`, inside the caller's transaction. */
  payTree(root: string, taskId: string, usd: number): void;
  /** Deletes what is known of the tree of a root, inside the caller's transaction. */
  forgetTree(root: string): void;
};

/** The trees of tasks: a row for each task below a root. */
export function trees(db: Database): Trees {
  const one = db.prepare("SELECT cost_usd, aside_usd FROM trees WHERE root = ? AND task_id = ?");
  const inTree = db.prepare("SELECT count(*) AS count FROM trees WHERE root = ?");
  const ofParent = db.prepare("SELECT count(*) AS count FROM trees WHERE root = ? AND parent = ?");
  const add = db.prepare("INSERT INTO trees (root, task_id, parent) VALUES (?, ?, ?)");
  const drawn = db.prepare("SELECT total(coalesce(cost_usd, aside_usd)) AS usd FROM trees WHERE root = ?");
  const money = db.prepare("SELECT total(cost_usd) AS spent, total(aside_usd) AS aside FROM trees WHERE root = ?");
  const aside = db.prepare("UPDATE trees SET aside_usd = ? WHERE root = ? AND task_id = ?");
  const pay = db.prepare(
    "UPDATE trees SET aside_usd = NULL, cost_usd = ? WHERE root = ? AND task_id = ? AND cost_usd IS NULL",
  );
  const all = db.prepare("SELECT task_id, parent, cost_usd, aside_usd FROM trees WHERE root = ? ORDER BY task_id");
  const remove = db.prepare("DELETE FROM trees WHERE root = ?");

  const payTree = (root: string, taskId: string, usd: number) => void pay.run(usd, root, taskId);

  return {
    async enterTree(root, { taskId, parent }, { mostTasks, mostChildren }) {
      return db.write(() => {
        if (one.get(root, taskId)) return "entered";
        if ((ofParent.get(root, parent) as Count).count >= mostChildren) return "children_full";
        if ((inTree.get(root) as Count).count >= mostTasks) return "tree_full";
        add.run(root, taskId, parent);
        return "entered";
      });
    },

    async setAside(root, taskId, usd, mostUsd) {
      return db.write(() => {
        const row = one.get(root, taskId) as Row | undefined;
        if (!row || row.cost_usd !== null) return undefined;
        if (row.aside_usd !== null) return row.aside_usd;
        const left = mostUsd - (drawn.get(root) as { usd: number }).usd;
        const amount = toMillionths(Math.min(usd, left));
        if (amount <= 0) return 0;
        aside.run(amount, root, taskId);
        return amount;
      });
    },

    async addCost(root, taskId, usd) {
      db.write(() => payTree(root, taskId, usd));
    },

    async getTree(root) {
      const rows = db.read(() => all.all(root)) as Row[];
      if (rows.length === 0) return undefined;
      const children: Record<string, number> = {};
      for (const { parent } of rows) children[parent] = (children[parent] ?? 0) + 1;
      return {
        tasks: rows.map(({ task_id }) => task_id),
        children,
        spentUsd: rows.reduce((sum, { cost_usd }) => sum + (cost_usd ?? 0), 0),
        setAsideUsd: Object.fromEntries(
          rows.flatMap(({ task_id, aside_usd }) => (aside_usd === null ? [] : [[task_id, aside_usd]])),
        ),
      };
    },

    async getSpending(root, of) {
      return db.read(() => {
        const { spent, aside: whole } = money.get(root) as { spent: number; aside: number };
        const known = of.map((id) => [id, (one.get(root, id) as Row | undefined)?.aside_usd] as const);
        const asideOf = Object.fromEntries(known.flatMap(([id, usd]) => (usd == null ? [] : [[id, usd]])));
        return { spentUsd: spent, setAsideUsd: whole, asideOf };
      });
    },

    payTree,
    forgetTree: (root) => void remove.run(root),
  };
}

/** Not more than it was, but for what a sum of fractions is off by. */
const toMillionths = (usd: number): number => Math.floor(usd * 1e6 + 1e-3) / 1e6;
