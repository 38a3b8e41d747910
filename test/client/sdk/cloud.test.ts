import { afterAll, describe } from "vitest";
import { REGION, SERVICE } from "../../aws/callers.ts";
import { type CloudSystem, openCloudSystem } from "../../emulators/cloud-system.ts";
import { cloudConfiguration } from "../../system/cloud-under-test.ts";
import { clientSuite } from "./suite.ts";

describe("a client of the cloud as deployed, behind a gateway that verifies signatures", () => {
  let cloud: CloudSystem | undefined;
  const given = { ...process.env };
  afterAll(async () => {
    process.env = given;
    await cloud?.[Symbol.asyncDispose]();
  });
  clientSuite(async () => {
    cloud = await openCloudSystem(cloudConfiguration);
    const { accessKeyId, secretAccessKey } = cloud.admit();
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey });
    delete process.env.AWS_SESSION_TOKEN;
    const targetAt = (endpoint: string) => ({ endpoint, region: REGION, service: SERVICE });
    return {
      url: cloud.url,
      target: targetAt(cloud.url),
      place: { provider: "aws", account_profile: "aws", backend: "agentcore", target: { mode: "session" } },
      behind: (between) => ({ target: targetAt(between) }),
    };
  });
});
