import { expect, test } from "vitest";
import type { Json } from "../../lib/domain/task.ts";
import { connect, openEndpoint } from "./clients.ts";
import { exampleConfiguration, IMAGE, openPorts, ROLE_ARN } from "./ports.ts";

/** The check `settings` for a runtime to be made with these details. */
async function settings(details: Json) {
  const backend = { adapter: "aws-agentcore" as const, account: "dev-aws", details };
  const ports = openPorts({
    configuration: {
      ...exampleConfiguration,
      backends: { ...exampleConfiguration.backends, "agentcore-dev": backend },
    },
  });
  const { call } = await connect(await openEndpoint({ ports, ownerOf: () => "me" }), "2026-07-28");
  const { structured } = await call("check_cloud_agent_runtime", { runtime: "research", target: { mode: "runtime" } });
  const checks = (structured as { checks: Json[] }).checks;
  return checks.find(({ name }) => name === "settings");
}

test.each([
  [{ ecrImageUri: IMAGE, executionRoleArn: ROLE_ARN }],
  [{ ecrImageUri: IMAGE, defaultExecutionRoleArn: ROLE_ARN }],
])("nothing is missing in %j", async (details) => {
  expect(await settings(details)).toMatchObject({ status: "pass" });
});

test.each([
  [{ ecrImageUri: IMAGE }, "missing in target.details: executionRoleArn"],
  [{ ecrImageUri: " ", defaultExecutionRoleArn: "" }, "missing in target.details: ecrImageUri, executionRoleArn"],
])("what is missing in %j is named", async (details, message) => {
  expect(await settings(details)).toMatchObject({ status: "fail", message });
});
