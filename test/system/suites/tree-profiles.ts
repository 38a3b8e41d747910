import type { ConfigurationInput } from "../../../lib/contract/configuration.ts";

const MAX_RUNNING = 6;

/** How large a tree may become, and what its tasks may spend that take a US dollar each; and how much happens to it. */
export type TreeSize = { most: number; budgetUsd: number; kills: number };

export const kinds = ["free", "tight", "bounded"] as const;
type Kind = (typeof kinds)[number];

export const profileOf = (kind: Kind, { most }: TreeSize): string => `${kind}-${most}`;
/** What all tasks of a tree may spend, in US dollars. */
export const budgetOf = (kind: Kind, { most, budgetUsd }: TreeSize): number =>
  kind === "free" ? 10 * most : budgetUsd;

/** What agents of trees may spend: as much as they like, more than there is, and no more than there is in any case. */
export const treeProfiles = (size: TreeSize): NonNullable<ConfigurationInput["runtimes"]> =>
  Object.fromEntries(
    kinds.map((kind) => {
      const { most } = size;
      const bound = kind === "bounded" && { maxBudgetUsd: 1 };
      const tree = { maxDepth: 5, maxTreeTasks: most, treeBudgetUsd: budgetOf(kind, size) };
      const limits = { maxRunning: MAX_RUNNING, ...tree, ...bound };
      return [profileOf(kind, size), { backend: "agentcore", target: { mode: "session" }, framework: "echo", limits }];
    }),
  );
