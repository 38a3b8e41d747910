import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import cdk from "../../cdk.json" with { type: "json" };
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { deployedEntries } from "../../lib/infra/bundle.ts";
import { temporaryFolder } from "../worker/start-worker.ts";

const root = join(import.meta.dirname, "../..");
const app = join(root, "bin/app.ts");

/** Runs the app as the CDK's command line does, and resolves however it ends. */
async function run(file: object) {
  const folder = temporaryFolder();
  const config = join(folder, "config.json");
  writeFileSync(config, JSON.stringify(file));
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    CDK_OUTDIR: join(folder, "cdk.out"),
    CDK_CONTEXT_JSON: JSON.stringify(cdk.context),
    [environmentVariables.configFile]: config,
  };
  const { code, stdout, stderr } = await promisify(execFile)(process.execPath, [app, join(folder, "dist")], {
    cwd: folder,
    env,
  }).then(
    (ended) => ({ ...ended, code: 0 }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
  return { code, stdout, stderr, folder, config };
}

test("it bundles and synthesizes, and what comes with the CDK finds nothing wrong", async () => {
  const { code, stdout, stderr, folder } = await run({
    stateDir: "state",
    cloud: { alarmEmail: "on-call@example.com" },
  });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(existsSync(join(folder, "cdk.out/agent-dispatch.template.json"))).toBe(true);
  const report = JSON.parse(readFileSync(join(folder, "cdk.out/validation-report.json"), "utf8"));
  expect(report.pluginReports).toEqual([]);
  for (const entry of deployedEntries().filter((name) => name.startsWith("lambdas/"))) {
    const handler = join(folder, "dist", entry);
    expect(existsSync(handler.replace(/\.ts$/, ".mjs"))).toBe(true);
    expect(JSON.parse(readFileSync(handler.replace("handler.ts", "configuration.json"), "utf8"))).toEqual({});
  }
});

test("a configuration with mistakes stops it, with every mistake by its path and nothing else", async () => {
  const { code, stdout, stderr, folder, config } = await run({
    accounts: { here: { provider: "local" }, mine: { provider: "aws", credentialSource: "profile:me" } },
    backends: { mine: { adapter: "local-process", account: "here" } },
    runtimes: { a: { backend: "nobody", target: { details: { runtimeArn: "shared" } } } },
    allowed: { roles: ["admin*", "*"], runtimes: ["*team*"] },
    cloud: { logRetentionDays: 8, alarmEmail: "nobody", typo: 1 },
  });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  const [first, ...lines] = stderr.trimEnd().split("\n");
  expect(first).toBe(`${config} cannot be used:`);
  expect(lines.map((line) => /^ {2}(\S+): ./.exec(line)?.[1]).sort()).toEqual(
    [
      "accounts.here.provider",
      "accounts.mine.credentialSource",
      "backends.mine.adapter",
      "runtimes.a.backend",
      "runtimes.a.target.details.runtimeArn",
      "allowed.roles.0",
      "allowed.runtimes.0",
      "cloud.logRetentionDays",
      "cloud.alarmEmail",
      "cloud",
    ].sort(),
  );
  expect(existsSync(join(folder, "dist"))).toBe(false);
  expect(existsSync(join(folder, "cdk.out"))).toBe(false);
});
