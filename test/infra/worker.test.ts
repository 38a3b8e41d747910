import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../worker/start-worker.ts";
import { Synthesis, text } from "./synthesis.ts";

const plain = await Synthesis.of();

describe("the role of workers", () => {
  const ids = (built: Synthesis, verb: string) =>
    built
      .allowedTo("WorkerRole")
      .filter(({ actions }) => actions.includes(verb))
      .flatMap(({ resources }) => resources);

  test("AgentCore takes it, for any runtime of the account and for nobody else's", () => {
    const role = plain.ofType("AWS::IAM::Role").find(([id]) => id.startsWith("WorkerRole"))?.[1];
    expect(JSON.parse(text(role?.Properties.AssumeRolePolicyDocument))).toEqual({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: "bedrock-agentcore.amazonaws.com" },
          Action: "sts:AssumeRole",
          Condition: {
            StringEquals: { "aws:SourceAccount": "123456789012" },
            ArnLike: { "aws:SourceArn": "arn:aws:bedrock-agentcore:*:123456789012:*" },
          },
        },
      ],
    });
  });

  test("it pulls the image, writes logs, traces and metrics, and that is all where it may ask no model", async () => {
    const repository =
      "arn:aws:ecr:us-west-2:123456789012:repository/cdk-hnb659fds-container-assets-123456789012-us-west-2";
    const logs = "arn:aws:logs:*:123456789012:log-group";
    expect((await Synthesis.of({ cloud: { models: [] } })).allowedTo("WorkerRole")).toEqual([
      {
        Effect: "Allow",
        actions: ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
        resources: [repository],
        condition: "{}",
      },
      {
        Effect: "Allow",
        actions: [
          "ecr:GetAuthorizationToken",
          "xray:GetSamplingRules",
          "xray:GetSamplingTargets",
          "xray:PutTelemetryRecords",
          "xray:PutTraceSegments",
        ],
        resources: ["*"],
        condition: "{}",
      },
      {
        Effect: "Allow",
        actions: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        resources: [
          `${logs}:/aws/bedrock-agentcore/runtimes/ad_0a1b2c3d_*`,
          `${logs}:/aws/bedrock-agentcore/runtimes/shared_agent_dispatch-*`,
        ],
        condition: "{}",
      },
      { Effect: "Allow", actions: ["logs:DescribeLogGroups"], resources: [`${logs}:*`], condition: "{}" },
      {
        Effect: "Allow",
        actions: ["cloudwatch:PutMetricData"],
        resources: ["*"],
        condition: '{"StringEquals":{"cloudwatch:namespace":"bedrock-agentcore"}}',
      },
    ]);
  });

  test("it may use the tools of AgentCore that a profile enables, and no others", async () => {
    const sessions = (built: Synthesis) =>
      built.allowedTo("WorkerRole").filter(({ actions }) => actions.some((action) => /Session$/.test(action)));
    expect(sessions(plain)).toEqual([]);
    const runtimes = { data: { backend: "agentcore", runtimeTools: { enabled: ["shell", "code-interpreter"] } } };
    expect(sessions(await Synthesis.of({ runtimes }))).toMatchObject([
      {
        actions: ["InvokeCodeInterpreter", "StartCodeInterpreterSession", "StopCodeInterpreterSession"].map(
          (verb) => `bedrock-agentcore:${verb}`,
        ),
        resources: ["arn:aws:bedrock-agentcore:us-west-2:aws:code-interpreter/aws.codeinterpreter.v1"],
      },
    ]);
    const built = await Synthesis.of({ defaults: { runtimeTools: { enabled: ["browser"] } } });
    expect(sessions(built)[0]?.resources).toEqual(["arn:aws:bedrock-agentcore:us-west-2:aws:browser/aws.browser.v1"]);
  });

  describe("models", () => {
    test("are, unless the configuration says so, what agents are asked to think with by default", () => {
      expect(ids(plain, "bedrock:InvokeModelWithResponseStream")).toEqual(
        expect.arrayContaining([
          "arn:aws:bedrock:us-west-2:123456789012:inference-profile/global.anthropic.claude-sonnet-5",
          "arn:aws:bedrock:*::foundation-model/anthropic.claude-sonnet-5",
        ]),
      );
      const subscribing = plain
        .allowedTo("WorkerRole")
        .find(({ actions }) => actions.includes("aws-marketplace:Subscribe"));
      expect(subscribing?.condition).toBe('{"StringEquals":{"aws:CalledViaLast":"bedrock.amazonaws.com"}}');
    });

    test("are those of the configuration and of its profiles", async () => {
      const built = await Synthesis.of({
        cloud: {
          models: [
            "us.anthropic.claude-opus-4-8",
            "amazon.nova-pro-v1:0",
            "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc123",
            "arn:aws:bedrock:us-west-2:123456789012:inference-profile/eu.meta.llama4-v1:0",
          ],
        },
        runtimes: {
          a: { backend: "agentcore", model: "global.anthropic.claude-sonnet-5" },
          b: { backend: "agentcore", model: "sonnet" },
          c: { backend: "agentcore", model: { name: "amazon.titan" } },
        },
      });
      const models = ids(built, "bedrock:InvokeModel");
      expect(models).toEqual(
        [
          "arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.anthropic.claude-opus-4-8",
          "arn:aws:bedrock:*::foundation-model/anthropic.claude-opus-4-8",
          "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-pro-v1:0",
          "arn:aws:bedrock:us-west-2:123456789012:application-inference-profile/abc123",
          "arn:aws:bedrock:us-west-2:123456789012:inference-profile/eu.meta.llama4-v1:0",
          "arn:aws:bedrock:*::foundation-model/meta.llama4-v1:0",
          "arn:aws:bedrock:us-west-2:123456789012:inference-profile/global.anthropic.claude-sonnet-5",
          "arn:aws:bedrock:*::foundation-model/anthropic.claude-sonnet-5",
        ].sort(),
      );
      expect(ids(built, "bedrock:InvokeModelWithResponseStream")).toEqual(models);
    });
  });

  test("it also pulls the private images that the configuration names or allows", async () => {
    const built = await Synthesis.of({
      allowed: { repositories: ["123456789012.dkr.ecr.us-west-2.amazonaws.com/team/*", "public.ecr.aws/x/*"] },
      runtimes: {
        own: {
          backend: "agentcore",
          target: { details: { ecrImageUri: "210987654321.dkr.ecr.eu-west-1.amazonaws.com/agents/one:v3" } },
        },
      },
    });
    expect(ids(built, "ecr:BatchGetImage")).toEqual(
      expect.arrayContaining([
        "arn:aws:ecr:us-west-2:123456789012:repository/team/*",
        "arn:aws:ecr:eu-west-1:210987654321:repository/agents/one",
      ]),
    );
    expect(ids(built, "ecr:BatchGetImage").filter((arn) => arn.includes("public"))).toEqual([]);
  });
});

describe("the shared runtime", () => {
  const [[, runtime] = []] = plain.ofType("AWS::BedrockAgentCore::Runtime");
  expect(runtime?.Properties.platformVersion ?? runtime?.Properties.PlatformVersion).toBe("V1");

  test("it runs the worker's image in the worker's role, reached over HTTP from anywhere", () => {
    expect(runtime?.Properties).toMatchObject({
      ProtocolConfiguration: "HTTP",
      NetworkConfiguration: { NetworkMode: "PUBLIC" },
    });
    expect(text(runtime?.Properties.RoleArn)).toBe("<WorkerRole.Arn>");
    const { Outputs } = plain.template.toJSON();
    expect(text(runtime?.Properties.AgentRuntimeArtifact)).toContain(text(Outputs.WorkerImageUri.Value));
  });

  test.each(["agent-dispatch", "ad-team", "A23456789-123456789-1234567890"])(
    "in the stack %s it has a name that AgentCore takes, and that no task's runtime has",
    async (stackName) => {
      const { AgentRuntimeName } = (await Synthesis.of({ cloud: { stackName } })).only(
        "AWS::BedrockAgentCore::Runtime",
      );
      expect(AgentRuntimeName).toMatch(/^(?!ad_)[a-zA-Z][a-zA-Z0-9_]{0,47}$/);
    },
  );

  test("the image is built for arm64 from the worker's bundle", () => {
    const images = Object.values(plain.assets.dockerImages).map(({ source }) => source);
    const dockerBuildArgs = { MONTH: expect.stringMatching(/^\d{4}-\d{2}$/), PACKAGES: "", CLAUDE_CODE: "" };
    expect(images).toEqual([
      { directory: expect.stringMatching(/^asset\./), platform: "linux/arm64", dockerBuildArgs },
    ]);
    expect(readdirSync(join(plain.folder, "cdk.out", String(images[0]?.directory)))).toEqual(["Dockerfile", "agent"]);
  });

  test("the image has the files of an agent of one's own, and is made anew when one changes", async () => {
    const folder = temporaryFolder();
    const built = async (text: string) => {
      writeFileSync(join(folder, "agent.py"), text);
      const { assets, folder: out } = await Synthesis.of({ cloud: { workerImage: { directory: folder } } });
      const [[hash, { source }] = ["", { source: {} }]] = Object.entries(assets.dockerImages);
      expect(readFileSync(join(out, "cdk.out", String(source.directory), "agent/agent.py"), "utf8")).toBe(text);
      return hash;
    };
    const first = await built("print(1)");
    expect(await built("print(1)")).toBe(first);
    expect(await built("print(2)")).not.toBe(first);
    expect(Object.keys(plain.assets.dockerImages)).not.toContain(first);
  });

  test("the image has what else is wanted, and what that is can be nothing but a name", async () => {
    const workerImage = { packages: ["imagemagick", "libc6:arm64", "jq=1.7.1-3"], claudeCode: true };
    const { assets } = await Synthesis.of({ cloud: { workerImage } });
    const [{ source } = { source: {} }] = Object.values(assets.dockerImages);
    expect(source.dockerBuildArgs).toMatchObject({
      PACKAGES: "imagemagick libc6:arm64 jq=1.7.1-3",
      CLAUDE_CODE: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    });
    for (const name of ["a; rm -rf /", "-y", "$(id)", "a b", "../x"])
      await expect(Synthesis.of({ cloud: { workerImage: { packages: [name] } } })).rejects.toThrow(/packages\.0/);
  });

  test("a folder that is not there is refused, by where it is named", async () => {
    const refused = Synthesis.of({ cloud: { workerImage: { directory: "missing" } } });
    await expect(refused).rejects.toThrow(/cloud\.workerImage\.directory: \/.*missing is not a folder/);
  });

  test("the image is built anew in another month, and not twice in one", async () => {
    const imageIn = async (day: string) => {
      const { assets } = await Synthesis.of({}, new Date(`${day}T12:00:00Z`));
      return Object.keys(assets.dockerImages);
    };
    const first = await imageIn("2026-10-02");
    expect(await imageIn("2026-10-31")).toEqual(first);
    expect(await imageIn("2026-11-01")).not.toEqual(first);
  });

  describe("the role that AgentCore needs", () => {
    const [[id, resource] = []] = plain.ofType("Custom::ServiceLinkedRole");

    test("is made before the runtime, unless it is there, and stays", () => {
      expect([runtime?.DependsOn].flat()).toContain(id);
      expect(resource?.Properties).not.toHaveProperty("Delete");
      expect(resource?.Properties).not.toHaveProperty("Update");
      expect(JSON.parse(String(resource?.Properties.Create))).toMatchObject({
        service: "IAM",
        action: "CreateServiceLinkedRole",
        parameters: { AWSServiceName: "runtime-identity.bedrock-agentcore.amazonaws.com" },
        ignoreErrorCodesMatching: "^InvalidInput",
      });
      expect(resource?.Properties.InstallLatestAwsSdk).toBe(false);
    });

    test("is all that its maker may make", () => {
      const allowed = plain.allowedTo("ServiceLinkedRole").filter(({ actions }) => !actions[0]?.startsWith("logs:"));
      const service = "runtime-identity.bedrock-agentcore.amazonaws.com";
      expect(allowed).toEqual([
        {
          Effect: "Allow",
          actions: ["iam:CreateServiceLinkedRole"],
          resources: [
            `arn:aws:iam::123456789012:role/aws-service-role/${service}/AWSServiceRoleForBedrockAgentCoreRuntimeIdentity`,
          ],
          condition: `{"StringEquals":{"iam:AWSServiceName":"${service}"}}`,
        },
      ]);
    });
  });
});
