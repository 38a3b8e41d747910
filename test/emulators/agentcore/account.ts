import { startBedrockModels } from "../bedrock-models.ts";
import { startCloudWatchLogs } from "../cloudwatch-logs.ts";
import { startEcr } from "../ecr.ts";
import { startServiceQuotas } from "../service-quotas.ts";
import { startSts } from "../sts.ts";
import { ACCOUNT, credentials, Emulator, REGION } from "./emulator.ts";

/** Somebody whom the emulated account knows nothing of, and a role there that they may assume. */
export const STRANGER_ACCOUNT = "210987654321";
export const stranger = { accessKeyId: "AKIDSTRANGER", secretAccessKey: "stranger-secret" };
export const STRANGER_ARN = `arn:aws:iam::${STRANGER_ACCOUNT}:user/stranger`;
export const DISPATCHER_ROLE = `arn:aws:iam::${ACCOUNT}:role/dispatcher`;

/** AgentCore with the services beside it, as one account sees them; `env` leads the SDKs there. */
export async function startAccount({ roleSeconds = 3600 } = {}) {
  const emulator = await new Emulator().listen();
  const identities = { [credentials.accessKeyId]: credentials.secretAccessKey };
  const sts = await startSts({
    region: REGION,
    identities: {
      [credentials.accessKeyId]: {
        secretAccessKey: credentials.secretAccessKey,
        arn: `arn:aws:iam::${ACCOUNT}:user/me`,
      },
      [stranger.accessKeyId]: { secretAccessKey: stranger.secretAccessKey, arn: STRANGER_ARN },
    },
    roles: { [DISPATCHER_ROLE]: { trusts: [STRANGER_ARN], ...credentials, seconds: roleSeconds } },
  });
  const logs = await startCloudWatchLogs({ region: REGION, identities });
  const quotas = await startServiceQuotas({ region: REGION, identities });
  const images = await startEcr({ region: REGION, identities });
  const models = await startBedrockModels({ region: REGION, identities });
  const env = {
    AWS_ENDPOINT_URL_BEDROCK: models.endpoint,
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE: emulator.endpoint,
    AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL: emulator.endpoint,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: logs.endpoint,
    AWS_ENDPOINT_URL_ECR: images.endpoint,
    AWS_ENDPOINT_URL_STS: sts.endpoint,
    AWS_ENDPOINT_URL_SERVICE_QUOTAS: quotas.endpoint,
    AWS_EC2_METADATA_DISABLED: "true",
    ...asEnvironment(credentials),
  };
  return {
    emulator,
    sts,
    logs,
    quotas,
    images,
    models,
    env,
    async close() {
      const services = [sts, logs, quotas, images, models].map((service) => service.close());
      await Promise.all([...services, emulator[Symbol.asyncDispose]()]);
    },
  };
}
export type Account = Awaited<ReturnType<typeof startAccount>>;

export const asEnvironment = ({ accessKeyId, secretAccessKey }: typeof credentials) => ({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
});
