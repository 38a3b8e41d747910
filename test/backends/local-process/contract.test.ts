import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { localBackend } from "../../../lib/backends/local-process/backend.ts";
import { backendContract } from "../../contract/backend.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { temporaryFolder } from "../../system/system.ts";

const configuration = () => parseConfiguration({ accounts: { local: { provider: "local" } } });
const log = { debug() {}, info() {}, warn() {}, error() {} };

describe("backend contract: local-process", () =>
  backendContract(async () => {
    const stateDir = temporaryFolder();
    const open = () => localBackend({ stateDir, configuration, log, prewarm: false });
    const adapter = open();
    const sessions = join(stateDir, "sessions");
    return {
      adapter,
      accountProfile: "local",
      target: { mode: "session" },
      left: async () => (existsSync(sessions) ? readdirSync(sessions) : []),
      // As another system would that knows of no task.
      async lose() {
        const other = open();
        await other.reconcile(async () => new Set());
        await other.close();
      },
      close: () => adapter.close(),
    };
  }));
