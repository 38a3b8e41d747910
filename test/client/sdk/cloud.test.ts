import { afterAll, describe, expect, test } from "vitest";
import { REGION, SERVICE } from "../../aws/callers.ts";
import { type CloudSystem, openCloudSystem } from "../../emulators/cloud-system.ts";
import { cloudConfiguration } from "../../system/cloud-under-test.ts";
import { cli, makeFolder, removeFolder } from "../cli/cli.ts";
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

  test("every command speaks to it, and what is about this machine alone refuses", async () => {
    const folder = await makeFolder();
    const at = (...args: string[]) =>
      cli([...args, "--endpoint", cloud?.url ?? "", "--region", REGION], { cwd: folder, env: { HOME: folder } });
    const run = await at("run", "--command", "sh -c 'echo words; exit 3'");
    expect(run).toMatchObject({ code: 3, out: "words\n" });
    const id = /task_[0-9a-f]{32}/.exec(run.err)?.[0] ?? "";
    expect((await at("list", "--json")).out).toContain(id);
    expect(JSON.parse((await at("status", id.slice(0, 20), "--json")).out)).toMatchObject({ id, status: "failed" });
    expect(await at("logs", id)).toMatchObject({ code: 0, out: "words\n" });
    expect(await at("result", id)).toMatchObject({ code: 3 });
    expect(JSON.parse((await at("accounts", "--json")).out)).toMatchObject({ items: [{ name: "aws" }] });
    const detached = await at("run", "--detach", "--command", "sleep 300");
    expect(detached.err).toContain(`--follow`);
    expect(detached.err).toContain(`--endpoint ${cloud?.url}`);
    expect(await at("cancel", detached.out.trim())).toMatchObject({ code: 0 });

    for (const words of [
      ["local", "stop"],
      ["local", "status"],
      ["config", "check"],
      ["list", "--agents"],
      ["remove", "api"],
    ]) {
      const refused = await at(...words);
      expect(refused.err).toMatch(/^error: --endpoint: does not go with /m);
      expect(refused.code).toBe(2);
    }
    const inFolder = await at("run", "Say hello", "--cwd", folder);
    expect(inFolder).toMatchObject({ code: 2, err: expect.stringContaining("--cwd: is a folder of this machine") });
    await removeFolder(folder);
  });
});
