import type { Configuration } from "../../contract/configuration.ts";

type Place = { partition: string; regions: readonly string[] };

/**
 * AgentCore's own, as every account has them:
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonbedrockagentcore.html
 */
const tools = {
  "code-interpreter": {
    resource: "code-interpreter/aws.codeinterpreter.v1",
    verbs: ["StartCodeInterpreterSession", "InvokeCodeInterpreter", "StopCodeInterpreterSession"],
  },
  browser: {
    resource: "browser/aws.browser.v1",
    verbs: ["StartBrowserSession", "ConnectBrowserAutomationStream", "StopBrowserSession"],
  },
} as const;

/** What workers need to use the tools of AgentCore that the configuration enables, by a profile or for all; else nothing. */
export function toolPermissions({ runtimes, defaults }: Configuration, { partition, regions }: Place) {
  const enabled = [defaults.runtimeTools, ...Object.values(runtimes).map(({ runtimeTools }) => runtimeTools)].flatMap(
    (settings) => (Array.isArray(settings?.enabled) ? (settings.enabled as unknown[]) : []),
  );
  return Object.entries(tools)
    .filter(([name]) => enabled.includes(name))
    .map(([, { resource, verbs }]) => ({
      actions: verbs.map((verb) => `bedrock-agentcore:${verb}`),
      resources: regions.map((region) => `arn:${partition}:bedrock-agentcore:${region}:aws:${resource}`),
    }));
}
