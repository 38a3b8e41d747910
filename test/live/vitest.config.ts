import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** Tests on a deployed stack, which cost money; `test/live/main.ts` runs them. */
export default defineConfig({
  root: resolve(import.meta.dirname, "../.."),
  test: {
    include: ["test/live/*.live.ts"],
    pool: "forks",
    // One process, so that one counts what all dispatch.
    fileParallelism: false,
    isolate: false,
    testTimeout: 1_200_000,
    hookTimeout: 120_000,
  },
});
