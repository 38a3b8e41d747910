import type { BackendAdapter } from "../../backends/adapter.ts";
import { missingDetails } from "../../backends/description.ts";
import { frameworkCheck } from "../../config/framework-choice.ts";
import { enforcePolicy, refuseCredentials } from "../../config/policy.ts";
import { chooseProfile, type Route, route } from "../../config/routing.ts";
import { type Configuration, own } from "../../contract/configuration.ts";
import { toProblem } from "../../contract/errors.ts";
import { defined } from "../../contract/json.ts";
import type { Json } from "../../contract/task.ts";
import { type Check, checkCloudAgentRuntime } from "../../contract/tools/check-cloud-agent-runtime.ts";
import type { ToolResult } from "../../contract/tools/index.ts";
import type { Ports } from "../ports.ts";
import { parse, underListedNames } from "./arguments.ts";

/** Says whether an agent task could run, before one is dispatched. Throws RefusedError where it cannot be routed. */
export async function checkRuntime(
  ports: Pick<Ports, "backends" | "configuration">,
  given: Json,
): Promise<ToolResult<"check_cloud_agent_runtime">> {
  const fields = underListedNames(checkCloudAgentRuntime, given);
  refuseCredentials(fields);
  const {
    runtime,
    provider,
    account_profile,
    live = true,
    runtime_arn,
    target,
  } = parse(checkCloudAgentRuntime.input, fields);
  const configuration = ports.configuration();
  const profile = chooseProfile(configuration, runtime);
  const request = {
    provider,
    accountProfile: account_profile,
    taskType: "agent.run",
    mode: target?.mode,
    protocol: target?.protocol,
    details: { ...target?.details, ...defined({ runtime_arn }) },
  };
  const chosen = route(configuration, ports.backends, request, profile);
  const adapter = own(ports.backends, chosen.backend);
  const checks: Check[] = [
    { name: "routing", status: "pass", message: `agent.run in mode ${chosen.target.mode} goes to ${chosen.backend}` },
    policyCheck(configuration, chosen),
    ...(await frameworkCheck(ports.backends, chosen, live)),
    ...(adapter ? [settingsCheck(adapter, chosen), ...(await adapter.check(chosen, live))] : []),
  ];
  return {
    ok: checks.every(({ status }) => status !== "fail"),
    ...(profile && { runtime: profile.name }),
    provider: chosen.provider,
    account_profile: chosen.accountProfile,
    backend: chosen.backendName ?? chosen.backend,
    adapter: chosen.backend,
    target_mode: chosen.target.mode,
    checks,
  };
}

function policyCheck(configuration: Configuration, chosen: Route): Check {
  try {
    enforcePolicy(configuration.policy, { ...chosen, targetMode: chosen.target.mode });
    return { name: "policy", status: "pass", message: "the policy allows it" };
  } catch (error) {
    return { name: "policy", status: "fail", message: toProblem(error).message };
  }
}

function settingsCheck(adapter: BackendAdapter, { target }: Route): Check {
  const missing = missingDetails(adapter, target).map(({ name }) => name);
  if (missing.length === 0)
    return { name: "settings", status: "pass", message: "every setting that it needs is there" };
  return { name: "settings", status: "fail", message: `missing in target.details: ${missing.join(", ")}` };
}
