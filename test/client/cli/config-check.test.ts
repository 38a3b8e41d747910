import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli } from "./cli.ts";
import { eachInFolder } from "./in-folder.ts";

let folder = "";
eachInFolder((made) => {
  folder = made;
});

const check = (config: unknown, ...args: string[]) => {
  writeFileSync(join(folder, "c.json"), JSON.stringify(config));
  return cli(["config", "check", "--config", "c.json", ...args], { cwd: folder, env: { HOME: folder } });
};

test("config check tells what a configuration means: where its state is, its accounts and its profiles", async () => {
  const config = {
    stateDir: "kept",
    accounts: { dev: { provider: "aws", region: "us-west-2" } },
    backends: { core: { adapter: "aws-agentcore", account: "dev", details: { protocol: "a2a" } } },
    runtimes: { research: { backend: "core", target: { mode: "session" }, protocol: "a2a", framework: "strands" } },
    defaults: { runtime: "research" },
  };
  const { code, out } = await check(config);
  expect(code).toBe(0);
  expect(out).toContain(`state in ${join(folder, "kept")}`);
  expect(out).toMatch(/^ {2}dev +aws, us-west-2, aws-sdk-default$/m);
  expect(out).toMatch(
    /^ {2}research +aws-agentcore with account dev, session, a2a, strands +← used unless another is named$/m,
  );
  const json = JSON.parse((await check(config, "--json")).out);
  expect(json).toMatchObject({ ok: true, file: join(folder, "c.json"), runtimes: { research: { account: "dev" } } });
});

test("config check tells every mistake with its path, and exits with 1", async () => {
  const { code, out } = await check({
    accounts: { dev: { provider: "aws", region: "nowhere", apiKey: "secret-of-mine" } },
    runtimes: { a: { backend: "gone" } },
    defualts: {},
  });
  expect(code).toBe(1);
  expect(out).toMatch(/^✖ .*c\.json cannot be used: \d mistakes$/m);
  expect(out).toMatch(/^ {2}accounts\.dev\.region: must be an AWS region/m);
  expect(out).toMatch(/^ {2}runtimes\.a\.backend: no backend is named gone/m);
  expect(out).toMatch(/unknown field "defualts" \(did you mean defaults\?\)/);
  expect(out).not.toContain("secret-of-mine");
  writeFileSync(join(folder, "c.json"), "{ not json");
  const broken = await cli(["config", "check", "--config", "c.json", "--json"], { cwd: folder, env: { HOME: folder } });
  expect({ code: broken.code, ...JSON.parse(broken.out) }).toMatchObject({
    code: 1,
    ok: false,
    issues: [{ path: expect.stringMatching(/c\.json:1:3$/) }],
  });
});
