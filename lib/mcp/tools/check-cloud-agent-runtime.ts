import * as z from "zod";
import type { BackendAdapter, Check } from "../../backends/adapter.ts";
import { frameworkCheck } from "../../config/framework-choice.ts";
import { enforcePolicy, refuseCredentials } from "../../config/policy.ts";
import { chooseProfile, type Route, route } from "../../config/routing.ts";
import { type Configuration, own } from "../../contract/configuration.ts";
import { toProblem } from "../../contract/errors.ts";
import * as field from "./fields.ts";
import { reads, shape, tool } from "./tool.ts";

const input = z.strictObject({
  runtime: field.name.optional(),
  provider: field.name.optional(),
  account_profile: field.name.optional(),
  live: z.boolean().optional().describe("Ask the platform too (default true)"),
  runtime_arn: field.line(2048).optional(),
  target: field.target.optional(),
});

/** Says whether an agent task could run, before one is dispatched. */
export const checkCloudAgentRuntime = tool({
  name: "check_cloud_agent_runtime",
  title: "Check a runtime",
  description:
    "Checks whether a runtime profile or account can run tasks, without starting any: configuration, policy, and with " +
    "live the platform itself. Each check is pass, warn or fail with its reason; ok is false when one fails.",
  input,
  output: shape({
    ok: "boolean",
    runtime: "string",
    provider: "string",
    account_profile: "string",
    backend: "string",
    adapter: "string",
    target_mode: "string",
    checks: "array",
  }),
  open: true,
  annotations: { ...reads, openWorldHint: true },
  prepare: (raw) => {
    refuseCredentials(raw);
    const { runtimeArn, ...rest } = raw;
    return runtimeArn === undefined || raw.runtime_arn !== undefined ? raw : { ...rest, runtime_arn: runtimeArn };
  },
  run: async ({ ports }, call) => {
    const configuration = ports.configuration();
    const profile = chooseProfile(configuration, call.runtime);
    const chosen = route(
      configuration,
      ports.backends,
      {
        provider: call.provider,
        accountProfile: call.account_profile,
        taskType: "agent.run",
        mode: call.target?.mode,
        protocol: call.target?.protocol,
        details: { ...call.target?.details, ...(call.runtime_arn !== undefined && { runtimeArn: call.runtime_arn }) },
      },
      profile,
    );
    const adapter = own(ports.backends, chosen.backend);
    const checks: Check[] = [
      { name: "routing", status: "pass", message: `agent.run in mode ${chosen.target.mode} goes to ${chosen.backend}` },
      policyCheck(configuration, chosen),
      ...frameworkCheck(ports.backends, chosen),
      ...(adapter ? [settingsCheck(adapter, chosen), ...(await adapter.check(chosen, call.live ?? true))] : []),
    ];
    return {
      structured: {
        ok: checks.every(({ status }) => status !== "fail"),
        ...(profile && { runtime: profile.name }),
        provider: chosen.provider,
        account_profile: chosen.accountProfile,
        backend: chosen.backendName ?? chosen.backend,
        adapter: chosen.backend,
        target_mode: chosen.target.mode,
        checks,
      },
    };
  },
});

function policyCheck(configuration: Configuration, chosen: Route): Check {
  try {
    enforcePolicy(configuration.policy, { ...chosen, targetMode: chosen.target.mode });
    return { name: "policy", status: "pass", message: "the policy allows it" };
  } catch (error) {
    return { name: "policy", status: "fail", message: toProblem(error).message };
  }
}

function settingsCheck(adapter: BackendAdapter, { target }: Route): Check {
  const { details = {} } = target;
  // What is only a default serves as well: `defaultExecutionRoleArn` for `executionRoleArn`.
  const missing = (adapter.configRequirements[target.mode] ?? []).filter(
    (name) => isBlank(details[name]) && isBlank(details[`default${name.charAt(0).toUpperCase()}${name.slice(1)}`]),
  );
  if (missing.length === 0)
    return { name: "settings", status: "pass", message: "every setting that it needs is there" };
  return { name: "settings", status: "fail", message: `missing in target.details: ${missing.join(", ")}` };
}

const isBlank = (value: unknown): boolean => value === undefined || value === null || String(value).trim() === "";
