import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Synthesis } from "./synthesis.ts";

const shared = { backend: "agentcore", target: { mode: "session" } };
const runtimeOf = (built: Synthesis) => built.ofType("AWS::BedrockAgentCore::Runtime")[0]?.[1].Properties;
const deployedTo = (built: Synthesis) =>
  JSON.parse(readFileSync(join(built.folder, "dist/lambdas/mcp/configuration.json"), "utf8"));

describe("the runtime that the stack makes", () => {
  test("speaks http where no profile says otherwise", async () => {
    const runtime = runtimeOf(
      await Synthesis.of({ runtimes: { own: { ...shared, target: { mode: "runtime" }, protocol: "a2a" } } }),
    );
    expect(runtime).toMatchObject({ ProtocolConfiguration: "HTTP" });
    expect(runtime).not.toHaveProperty("EnvironmentVariables");
  });

  test("speaks what the profiles do that use it, as its worker and the profile shared do", async () => {
    const built = await Synthesis.of({ runtimes: { agent: { ...shared, protocol: "a2a" } } });
    expect(runtimeOf(built)).toMatchObject({
      ProtocolConfiguration: "A2A",
      EnvironmentVariables: { AGENTDISPATCH_WORKER_PROTOCOL: "a2a" },
    });
    expect(deployedTo(built).runtimes).toMatchObject({
      agent: { protocol: "a2a" },
      shared: { ...shared, protocol: "a2a" },
    });
  });

  test("cannot speak two protocols, and is not that of a profile with a runtime of its own", async () => {
    const runtimes = { one: { ...shared, protocol: "a2a" }, two: shared };
    await expect(Synthesis.of({ runtimes })).rejects.toThrow(
      /runtimes\.two\.protocol.*is http, and that of one is a2a/s,
    );
    const runtimeArn = "arn:aws:bedrock-agentcore:us-west-2:123456789012:runtime/own-AbCdEf1234";
    const own = { ...shared, target: { mode: "session", details: { runtimeArn } } };
    const built = await Synthesis.of({ runtimes: { one: { ...shared, protocol: "mcp" }, two: own } });
    expect(runtimeOf(built)).toMatchObject({ ProtocolConfiguration: "MCP" });
  });
});
