import { expect, test } from "vitest";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import type { Json } from "../../lib/contract/task.ts";
import { connect, openEndpoint } from "./clients.ts";
import { exampleConfiguration, IMAGE, openPorts, ROLE_ARN } from "./ports.ts";

/** A check by its name, for a profile of that configuration. */
async function check(name: string, configuration: ConfigurationInput, call: Json) {
  const ports = openPorts({ configuration });
  const client = await connect(await openEndpoint({ ports }), "2026-07-28");
  const { structured } = await client.call("check_cloud_agent_runtime", call);
  const { ok, checks } = structured as { ok: boolean; checks: Json[] };
  return { ...checks.find((each) => each.name === name), ok };
}

/** The check `settings` for a runtime to be made with these details. */
function settings(details: Json) {
  const backend = { adapter: "aws-agentcore" as const, account: "dev-aws", details };
  const backends = { ...exampleConfiguration.backends, "agentcore-dev": backend };
  return check("settings", { ...exampleConfiguration, backends }, { runtime: "research", target: { mode: "runtime" } });
}

test.each([
  ["mine", { status: "pass", ok: true }],
  ["yours", { status: "fail", ok: false, message: expect.stringContaining("AGENTDISPATCH_FRAMEWORK_COMMAND_YOURS") }],
])("a profile with the framework %s is told whether the worker has it", async (framework, expected) => {
  const { runtimes } = exampleConfiguration;
  const configuration = { ...exampleConfiguration, runtimes: { ...runtimes, local: { ...runtimes.local, framework } } };
  expect(await check("framework", configuration, { runtime: "local" })).toMatchObject(expected);
});

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
