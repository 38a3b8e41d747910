import type { TaskArtifact } from "../contract/task.ts";

/** Files of a task in one page: with the longest names and reasons there are, it stays below the 400 KB of an item. */
export const ARTIFACTS_PER_PAGE = 50;

/** The list cut into pages. */
export function inPages(artifacts: readonly TaskArtifact[]): TaskArtifact[][] {
  const count = Math.ceil(artifacts.length / ARTIFACTS_PER_PAGE);
  return Array.from({ length: count }, (_, page) =>
    artifacts.slice(page * ARTIFACTS_PER_PAGE, (page + 1) * ARTIFACTS_PER_PAGE),
  );
}
