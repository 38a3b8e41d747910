import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { defineConfig } from "vitest/config";

/**
 * Programs of others as clients, as docs/CLIENTS.md connects them: one that is not there is a failure. Some are large and slow,
 * so they run one after the other, and not with the other tests.
 */
export default defineConfig({
  root: resolve(import.meta.dirname, "../.."),
  test: {
    include: ["test/clients/*.real.ts"],
    pool: "forks",
    fileParallelism: false,
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "agentdispatch-test-compile-cache") },
    testTimeout: 240_000,
    // A program is installed at first.
    hookTimeout: 600_000,
  },
});
