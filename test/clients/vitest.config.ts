<<<<<<< HEAD
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** Programs of others as clients, as docs/CLIENTS.md connects them: one that is not there is a failure. */
=======
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { defineConfig } from "vitest/config";

/** The assistants of others, as clients of ours: large and slow, so they run one after the other, and not with the other tests. */
>>>>>>> 332951a (See Claude Code, Codex, Gemini CLI and opencode take a task to its result, as init registers them)
export default defineConfig({
  root: resolve(import.meta.dirname, "../.."),
  test: {
    include: ["test/clients/*.real.ts"],
    pool: "forks",
    fileParallelism: false,
<<<<<<< HEAD
    testTimeout: 180_000,
=======
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "agentdispatch-test-compile-cache") },
    testTimeout: 240_000,
>>>>>>> 332951a (See Claude Code, Codex, Gemini CLI and opencode take a task to its result, as init registers them)
    // A program is installed at first.
    hookTimeout: 600_000,
  },
});
