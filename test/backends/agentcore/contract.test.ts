import { describe } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import type { Target } from "../../../lib/contract/task.ts";
import { backendContract } from "../../contract/backend.ts";
import { Emulator, IMAGE, REGION, ROLE } from "../../emulators/agentcore/emulator.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { useEmulatorCredentials } from "./emulator-credentials.ts";

useEmulatorCredentials();

async function open(targetOn: (shared: string) => Target) {
  const emulator = await new Emulator().listen();
  const adapter = agentCoreBackend({
    endpoint: emulator.endpoint,
    configuration: () => parseConfiguration({ accounts: { dev: { provider: "aws" } } }),
    log: { debug() {}, info() {}, warn() {}, error() {} },
    now: Date.now,
    holdSeconds: 60,
  });
  return {
    adapter,
    accountProfile: "dev",
    target: targetOn(emulator.deploy("shared")),
    left: async () => [...emulator.inventory.runtimes, ...emulator.inventory.sessions],
    lose: () => emulator.machines.endAll(),
    sent: () => emulator.countOf("InvokeAgentRuntime"),
    close: () => emulator[Symbol.asyncDispose](),
  };
}

describe("backend contract: aws-agentcore, sessions", () =>
  backendContract(() => open((runtimeArn) => ({ mode: "session", details: { runtimeArn } }))));

const details = { region: REGION, ecrImageUri: IMAGE, executionRoleArn: ROLE };
describe("backend contract: aws-agentcore, runtimes", () =>
  backendContract(() => open(() => ({ mode: "runtime", details }))));
