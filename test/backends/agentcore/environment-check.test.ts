import { expect, test } from "vitest";
import { agentCoreBackend } from "../../../lib/backends/agentcore/backend.ts";
import { parseConfiguration } from "../../fixtures/configuration.ts";
import { IMAGE, RUNTIME_ARN } from "../../mcp/ports.ts";

const log = { debug() {}, info() {}, warn() {}, error() {} };

/** The names of what is warned of, with the environment at that place of the configuration. */
async function warnings(mode: "session" | "runtime", place: "backend" | "profile" | "nowhere") {
  const environment = { MODEL_KEY: "secret-value" };
  const configuration = parseConfiguration({
    accounts: { "dev-aws": { provider: "aws", region: "us-west-2" } },
    backends: {
      cloud: {
        adapter: "aws-agentcore",
        account: "dev-aws",
        details: { ecrImageUri: IMAGE, ...(place === "backend" && { environment }) },
      },
    },
    runtimes: {
      research: { backend: "cloud", target: { mode, ...(place === "profile" && { details: { environment } }) } },
    },
    defaults: { runtime: "research" },
  });
  const backend = agentCoreBackend({ configuration: () => configuration, log, now: Date.now, holdSeconds: 840 });
  const checks = await backend.check(
    {
      provider: "aws",
      accountProfile: "dev-aws",
      backend: "aws-agentcore",
      backendName: "cloud",
      profile: "research",
      target: { mode, details: { region: "us-west-2", runtimeArn: RUNTIME_ARN } },
    },
    false,
  );
  expect(JSON.stringify(checks)).not.toContain("secret-value");
  return checks.filter(({ name }) => name === "environment");
}

test.each(["backend", "profile"] as const)("variables of the %s do not reach a runtime that exists", async (place) => {
  expect(await warnings("session", place)).toEqual([
    { name: "environment", status: "warn", message: expect.stringContaining("MODEL_KEY") },
  ]);
});

test("nothing is said of variables where they arrive, or where there are none", async () => {
  expect(await warnings("runtime", "backend")).toEqual([]);
  expect(await warnings("session", "nowhere")).toEqual([]);
});
