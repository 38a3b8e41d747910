import type { Identities } from "./requests/signature.ts";
import { awsJson, startStandIn } from "./requests/stand-in.ts";

/** How many functions may run at once. */
const lambda = "L-B99A9384";

/**
 * Service Quotas, for the applied values of AgentCore's quotas and of one of Lambda's, on a free port of this machine.
 * https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html
 *
 * Left out: every other operation, the defaults beside the applied values, and every field of a quota but its value.
 */
export async function startServiceQuotas({ region, identities }: { region: string; identities: Identities }) {
  /** Values by code; one that is not here is not known to the service. */
  const values: Record<string, number> = {
    "L-F4575653": 1000,
    "L-9B442722": 10,
    "L-0A9E32B3": 2048,
    "L-3E5722B2": 5000,
    [lambda]: 1000,
  };
  const service = await startStandIn({
    name: "servicequotas",
    region,
    identities,
    ...awsJson("ServiceQuotasV20190624"),
    answer({ operation, body }) {
      const { ServiceCode, QuotaCode } = JSON.parse(body.toString()) as Record<string, string>;
      const value = values[QuotaCode ?? ""];
      const service = QuotaCode === lambda ? "lambda" : "bedrock-agentcore";
      if (operation !== "GetServiceQuota" || ServiceCode !== service || value === undefined)
        return { status: 400, code: "NoSuchResourceException", message: "no such quota" };
      return { status: 200, body: JSON.stringify({ Quota: { ServiceCode, QuotaCode, Value: value } }) };
    },
  });
  return { ...service, values };
}
