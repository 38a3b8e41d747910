import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** Programs of others as clients, as docs/CLIENTS.md connects them: one that is not there is a failure. */
export default defineConfig({
  root: resolve(import.meta.dirname, "../.."),
  test: {
    include: ["test/clients/*.real.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 180_000,
    // A program is installed at first.
    hookTimeout: 600_000,
  },
});
