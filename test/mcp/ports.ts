import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openArtifacts } from "../../lib/artifacts/files/artifacts.ts";
import type { BackendAdapter } from "../../lib/backends/adapter.ts";
import { agentCore } from "../../lib/backends/agentcore/description.ts";
import { localProcess } from "../../lib/backends/local-process/description.ts";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import type { Logger } from "../../lib/contract/logger.ts";
import type { Ports } from "../../lib/engine/ports.ts";
import { openTaskStore } from "../../lib/store/sqlite/task-store.ts";
import { parseConfiguration } from "../fixtures/configuration.ts";
import { loggedBy } from "../fixtures/logged-by.ts";

/** A runtime in an account that does not exist. */
export const RUNTIME_ARN = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/research-AbCdEf1234";
export const ROLE_ARN = "arn:aws:iam::123456789012:role/agents";
export const IMAGE = "123456789012.dkr.ecr.us-west-2.amazonaws.com/worker";

/** One account of each provider, and profiles that show each rule of precedence. */
export const exampleConfiguration = {
  accounts: {
    local: { provider: "local", credentialSource: "none" },
    "dev-aws": { provider: "aws", region: "us-west-2" },
  },
  backends: {
    "this-machine": { adapter: "local-process", account: "local" },
    "agentcore-dev": {
      adapter: "aws-agentcore",
      account: "dev-aws",
      details: { runtimeArn: RUNTIME_ARN, qualifier: "DEFAULT", defaultExecutionRoleArn: ROLE_ARN },
    },
  },
  runtimes: {
    local: { backend: "this-machine", framework: "echo", target: { mode: "session" } },
    research: {
      backend: "agentcore-dev",
      target: { mode: "session", details: { qualifier: "PROD" } },
      protocol: "a2a",
      framework: "strands",
      model: "small",
      runtimeTools: { enabled: ["search"], depth: 1 },
      metadata: { team: "research", tier: 1 },
      requiredInputs: ["topic"],
      limits: { timeoutSeconds: 600, maxRunning: 2 },
    },
  },
  defaults: {
    runtime: "local",
    limits: { maxRunning: 4 },
    runtimeTools: { enabled: [], safe: true },
    metadata: { tier: 0, from: "defaults" },
  },
} satisfies ConfigurationInput;

/** An adapter that can be chosen and asked, and behind which nothing runs. */
export function idleAdapter(overrides: Partial<BackendAdapter> = {}): BackendAdapter {
  return {
    ...localProcess,
    channel: () => "call",
    nameSession: ({ id }) => `session-of-${id}`,
    nameRuntime: () => undefined,
    provision: async () => ({ providerRefs: {} }),
    awaitReady: async () => ({ ready: true }),
    invoke: async () => {
      throw new Error("nothing runs here");
    },
    stop: async () => {},
    deleteRuntime: async () => true,
    check: async (_placement, live) => [
      { name: "worker", status: "pass", message: live ? "asked, and it answered" : "not asked" },
    ],
    frameworks: () => undefined,
    cloudAgent: () => undefined,
    ...overrides,
  };
}

export const adapters: Record<string, BackendAdapter> = {
  "local-process": idleAdapter({ frameworks: () => ["echo", "mine"] }),
  "aws-agentcore": idleAdapter({
    ...agentCore,
    cloudAgent: ({ target }) => ({ protocol: target.protocol ?? "http", provider: "aws" }),
  }),
};

export type TestPorts = Ports & {
  /** Where its store is. */
  readonly folder: string;
  /** Executions in the order in which they were started. */
  readonly starts: string[];
  /** What was logged, level and message. */
  readonly logged: string[];
};

/** Real stores in a folder of their own, and a workflow that only notes what it is asked to start. */
export function openPorts(
  options: {
    configuration?: ConfigurationInput;
    backends?: Record<string, BackendAdapter>;
    now?: () => number;
    steady?: () => number;
  } = {},
): TestPorts {
  const { now = Date.now, steady = () => Math.floor(performance.now()), backends = adapters } = options;
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-mcp-"));
  const store = openTaskStore(folder, { now, steady });
  onTestFinished(() => {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const configuration = parseConfiguration(options.configuration ?? exampleConfiguration);
  const starts: string[] = [];
  const logged: string[] = [];
  const note = (level: string) => (message: string, fields?: Record<string, unknown>) =>
    void logged.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  const log: Logger = { debug: () => {}, info: note("info"), warn: note("warn"), error: note("error") };
  return {
    store,
    artifacts: openArtifacts(join(folder, "artifacts"), {
      baseUrl: () => "http://127.0.0.1:1",
      secret: new Uint8Array(32),
      now,
    }),
    workflow: {
      async start(taskId, n) {
        const name = `${taskId}-${n}`;
        if (starts.includes(name)) return "exists";
        starts.push(name);
        return "started";
      },
    },
    backends,
    configuration: () => configuration,
    now,
    steady,
    pace: { visitSeconds: 1, maxPauseSeconds: 1 },
    closing: new AbortController().signal,
    log,
    observe: loggedBy(log),
    folder,
    starts,
    logged,
  };
}
