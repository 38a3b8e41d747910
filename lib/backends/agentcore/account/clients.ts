import type { BedrockClient } from "@aws-sdk/client-bedrock";
import type { BedrockAgentCoreClient } from "@aws-sdk/client-bedrock-agentcore";
import type { BedrockAgentCoreControlClient } from "@aws-sdk/client-bedrock-agentcore-control";
import type { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import type { ECRClient } from "@aws-sdk/client-ecr";
import type { ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import type { AccountProfile } from "./account.ts";
import type { Tokens } from "./assumed-role.ts";
import { identityOf } from "./identity.ts";

/** The SDK's module and one client per way of sending. */
export type DataPlane = typeof import("@aws-sdk/client-bedrock-agentcore") & {
  /** Sends once: an invocation that is repeated may run twice. */
  once: BedrockAgentCoreClient;
  /** Sends again after throttling, conflicts and cut connections. */
  patient: BedrockAgentCoreClient;
};
export type ControlPlane = typeof import("@aws-sdk/client-bedrock-agentcore-control") & {
  client: BedrockAgentCoreControlClient;
};
export type Logs = typeof import("@aws-sdk/client-cloudwatch-logs") & { client: CloudWatchLogsClient };
export type Quotas = typeof import("@aws-sdk/client-service-quotas") & { client: ServiceQuotasClient };

export type Images = typeof import("./ecr-sdk.ts").ecrSdk & { client: ECRClient };
export type Models = typeof import("./bedrock-sdk.ts").bedrockSdk & { client: BedrockClient };

/** What of an SDK's client sends a request and resolves with its answer. */
export type RequestHandler = BedrockAgentCoreClient["config"]["requestHandler"];

export type ClientOptions = {
  /** For a stand-in; without it the environment says where AWS is, as for every AWS SDK. */
  endpoint?: string;
  /** Sends in place of connections of the SDK's own, for a stand-in in the same process. */
  requestHandler?: RequestHandler;
};

const CONNECT_MS = 5000;
const CONTROL_MS = 20_000;
/** For what a task can do without, or somebody waits for. */
const SHORT_MS = 5000;
/**
 * A streamed answer may last an hour:
 * https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/bedrock-agentcore-limits.html
 */
const STREAM_MS = 3_600_000;

/** Clients of one account profile, by region; SDK and credentials are loaded where they are first needed. */
export function openClients({ endpoint, requestHandler }: ClientOptions, account: AccountProfile) {
  const sending = (maxAttempts: number, requestTimeout: number) => ({
    maxAttempts,
    retryMode: "standard",
    requestHandler: requestHandler ?? { connectionTimeout: CONNECT_MS, requestTimeout, throwOnRequestTimeout: true },
  });
  const at = (region: string) => ({ region, ...(endpoint !== undefined && { endpoint }) });
  const tokens = byRegion(async (region): Promise<Tokens> => {
    const sdk = await import("@aws-sdk/client-sts");
    return { ...sdk, client: new sdk.STSClient({ ...at(region), ...identity.source, ...sending(2, SHORT_MS) }) };
  });
  const identity = identityOf(account, tokens);
  const by = (region: string) => ({ ...at(region), ...identity.in(region) });

  return {
    dataPlane: byRegion(async (region): Promise<DataPlane> => {
      const sdk = await import("@aws-sdk/client-bedrock-agentcore");
      const client = (maxAttempts: number, timeoutMs: number) =>
        new sdk.BedrockAgentCoreClient({ ...by(region), ...sending(maxAttempts, timeoutMs) });
      return { ...sdk, once: client(1, STREAM_MS), patient: client(5, CONTROL_MS) };
    }),
    controlPlane: byRegion(async (region): Promise<ControlPlane> => {
      const sdk = await import("@aws-sdk/client-bedrock-agentcore-control");
      return { ...sdk, client: new sdk.BedrockAgentCoreControlClient({ ...by(region), ...sending(4, CONTROL_MS) }) };
    }),
    logs: byRegion(async (region): Promise<Logs> => {
      const sdk = await import("@aws-sdk/client-cloudwatch-logs");
      return { ...sdk, client: new sdk.CloudWatchLogsClient({ ...by(region), ...sending(2, SHORT_MS) }) };
    }),
    quotas: byRegion(async (region): Promise<Quotas> => {
      const sdk = await import("@aws-sdk/client-service-quotas");
      return { ...sdk, client: new sdk.ServiceQuotasClient({ ...by(region), ...sending(2, SHORT_MS) }) };
    }),
    images: byRegion(async (region): Promise<Images> => {
      const { ecrSdk: sdk } = await import("./ecr-sdk.ts");
      return { ...sdk, client: new sdk.ECRClient({ ...by(region), ...sending(3, SHORT_MS) }) };
    }),
    models: byRegion(async (region): Promise<Models> => {
      const { bedrockSdk: sdk } = await import("./bedrock-sdk.ts");
      return { ...sdk, client: new sdk.BedrockClient({ ...by(region), ...sending(2, SHORT_MS) }) };
    }),
    tokens,
  };
}
export type Clients = ReturnType<typeof openClients>;

/** What was opened for a region, or is being opened; a failure is not remembered. */
function byRegion<T>(open: (region: string) => Promise<T>): (region: string) => Promise<T> {
  const opened = new Map<string, Promise<T>>();
  return (region) => {
    const known = opened.get(region);
    if (known) return known;
    const opening = open(region);
    opened.set(region, opening);
    opening.catch(() => opened.delete(region));
    return opening;
  };
}
