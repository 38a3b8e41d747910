/** What the command line tells of the agent programs that are installed, on the real one. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { REGION } from "../../aws/callers.ts";
import { startCloudFormation } from "../../emulators/cloudformation.ts";
import { openGateway } from "../../emulators/gateway.ts";
import { startSts } from "../../emulators/sts.ts";
import { agentPrograms, claude, codex } from "../../fixtures/agent-programs.ts";
import { Cli, cli, makeFolder, removeFolder } from "./cli.ts";
import { processesOf } from "./left-behind.ts";

async function machine(install: (programs: ReturnType<typeof agentPrograms>) => void) {
  const folder = await makeFolder();
  onTestFinished(() => removeFolder(folder));
  const home = join(folder, "home");
  mkdirSync(home);
  const programs = agentPrograms(folder);
  install(programs);
  const run = (args: string[], env: Record<string, string> = {}) =>
    cli([...args, "--state-dir", folder], { cwd: home, env: { PATH: programs.PATH, HOME: home, ...env } });
  return { folder, home, run };
}

test("doctor tells what is installed, whether it is logged in, and what a run would use", async () => {
  const { folder, run } = await machine(({ install }) => {
    install("claude", claude());
    install("codex", codex("0.1.0"));
  });
  const without = await run(["doctor"]);
  expect(without).toMatchObject({ code: 1, err: "" });
  expect(without.out).toMatch(
    /^✖ {2}claude-code +2\.1\.330, not logged in; log in with `claude auth login` +← used unless/m,
  );
  expect(without.out).toMatch(
    /^✖ {2}codex +codex 0\.1\.0 is installed, and codex needs .* or newer; update it with `npm /m,
  );
  expect(without.out).toMatch(
    /^- {2}gemini +gemini is not installed; install it with `npm install -g @google\/gemini-cli`/m,
  );
  expect(without.out).toMatch(/^local cannot run$/m);

  const key = "sk-of-the-person";
  const withKey = await run(["doctor"], { ANTHROPIC_API_KEY: key });
  expect(withKey).toMatchObject({ code: 0, err: "" });
  expect(withKey.out).toMatch(/^✔ {2}claude-code +2\.1\.330, logged in by ANTHROPIC_API_KEY/m);
  expect(withKey.out).toMatch(/^local can run$/m);
  const json = await run(["doctor", "--json"], { ANTHROPIC_API_KEY: key });
  expect(JSON.parse(json.out)).toMatchObject({
    ok: true,
    stateDir: folder,
    capabilities: [
      {
        adapter: "local-process",
        defaultFramework: "claude-code",
        frameworks: expect.arrayContaining([
          expect.objectContaining({ name: "claude-code", status: "ready", version: "2.1.330" }),
          expect.objectContaining({ name: "codex", status: "outdated", version: "0.1.0" }),
          expect.objectContaining({ name: "opencode", status: "not_installed" }),
        ]),
      },
      { adapter: "aws-agentcore" },
    ],
    check: { ok: true },
  });
  const listed = await run(["capabilities"], { ANTHROPIC_API_KEY: key });
  expect(listed.out).toMatch(/^✔ {2}claude-code +2\.1\.330, logged in by ANTHROPIC_API_KEY/m);
  for (const { out, err } of [withKey, json, listed]) expect(out + err).not.toContain(key);
  expect(processesOf(folder)).toEqual([]);
});

test("doctor tells why the default runtime profile cannot be checked, and what is there all the same", async () => {
  const { home, run } = await machine(({ install }) => install("claude", claude()));
  writeFileSync(join(home, "agentdispatch.config.json"), JSON.stringify({ accounts: { dev: { provider: "aws" } } }));
  const { code, out } = await run(["doctor"]);
  expect(code).toBe(1);
  expect(out).toMatch(/^✖ {2}claude-code +2\.1\.330, not logged in/m);
  expect(out).toMatch(/^✖ no account profile was named: there are: dev$/m);
});

test("a run without an agent program asks which framework, and says how one comes there", async () => {
  const { run } = await machine(() => {});
  const { code, err } = await run(["run", "Say hello"]);
  expect(code).toBe(2);
  expect(err).toMatch(/^question: Which agent framework should run it\? .*npm install -g @anthropic-ai\/claude-code/m);
  expect(err).toMatch(/^hint: answer it with --framework <name>$/m);
  const named = await run(["run", "Say hello", "--framework", "codex"]);
  expect(named.code).toBe(1);
  expect(named.err).toMatch(/^error: the worker has no framework codex$/m);
  expect(named.err).toMatch(
    /^hint: install it with `npm install -g @openai\/codex`, or choose another framework: strands, echo$/m,
  );
});

test("doctor tells how the assistants stand to us, what each lacks, and what mends it", async () => {
  const { home, folder, run } = await machine(({ install }) => install("claude", claude()));
  const env = { ANTHROPIC_API_KEY: "sk-of-the-person" };
  const place = ["--state-dir", folder];
  const doctor = async () => {
    const { code, out } = await run(["doctor", "--json"], env);
    const { ok, assistants } = JSON.parse(out) as { ok: boolean; assistants: { name: string }[] };
    return { code, ok, of: (name: string) => assistants.find((each) => each.name === name) };
  };
  mkdirSync(join(home, ".codex"));
  const fresh = await doctor();
  expect(fresh.of("codex")).toMatchObject({
    status: "none",
    fix: expect.stringMatching(/agent-dispatch(?:\.js)? init --state-dir \S+ --client codex$/),
  });
  expect({ ok: fresh.ok, cursor: fresh.of("cursor") }).toEqual({ ok: true, cursor: undefined });

  const init = (...args: string[]) => cli(["init", ...args], { cwd: home, env: { HOME: home, ...env } });
  await init("--client", "codex,cursor", ...place);
  await init("--client", "gemini", "--endpoint", "https://example.com/mcp");
  const known = await doctor();
  expect(known).toMatchObject({ code: 0, ok: true });
  expect(known.of("codex")).toMatchObject({ status: "pass" });
  expect(known.of("gemini")).toMatchObject({
    status: "warn",
    message: expect.stringContaining("https://example.com/mcp"),
  });

  const file = join(home, ".cursor", "mcp.json");
  writeFileSync(file, readFileSync(file, "utf8").replace("agent-dispatch.js", "gone.js"));
  writeFileSync(join(home, ".codex", "config.toml"), "not toml");
  const broken = await doctor();
  expect(broken).toMatchObject({ code: 1, ok: false });
  expect(broken.of("cursor")).toMatchObject({
    status: "fail",
    message: expect.stringMatching(/gone\.js, which is not there/),
  });
  expect(broken.of("codex")).toMatchObject({ status: "fail", fix: expect.stringMatching(/^mend that file, then /) });
  const { out } = await run(["doctor"], env);
  expect(out).toMatch(
    /^✖ {2}Cursor +starts .*gone\.js, which is not there; .*agent-dispatch(?:\.js)? init --state-dir \S+ --client cursor$/m,
  );
});

test("doctor checks the profile that is named", async () => {
  const { run } = await machine(() => {});
  const { code, out } = await run(["doctor", "gone"]);
  expect(code).toBe(1);
  expect(out).toMatch(/^✖ .*gone/m);
});

describe("a deployed system", () => {
  /** A system behind a gateway that verifies signatures, and a service that says whose credentials are. */
  async function deployed() {
    const folder = await makeFolder();
    onTestFinished(() => removeFolder(folder));
    const local = new Cli(["local", "--port", "0", "--json", "--state-dir", folder], { env: { HOME: folder } });
    onTestFinished(async () => {
      local.kill("SIGTERM");
      await local.ended;
    });
    await local.shows(/"tokenFile"[\s\S]*\n}/);
    const { url, tokenFile } = JSON.parse(local.out);
    const gateway = await openGateway({ behind: { url, token: readFileSync(tokenFile, "utf8") } });
    onTestFinished(() => gateway.close());
    const doctor = async (standing: "admitted" | "not-allowed", args: string[] = []) => {
      const { accessKeyId, secretAccessKey, userArn } = gateway.admit(standing);
      const identities = { [accessKeyId]: { secretAccessKey, arn: userArn } };
      const sts = await startSts({ region: REGION, identities });
      onTestFinished(() => sts.close());
      const stacks = { Team: { Endpoint: gateway.url, Region: REGION } };
      const cloudFormation = await startCloudFormation({
        region: REGION,
        identities: { [accessKeyId]: secretAccessKey },
        stacks,
      });
      onTestFinished(() => cloudFormation.close());
      const env = {
        HOME: folder,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_ENDPOINT_URL_STS: sts.endpoint,
        AWS_ENDPOINT_URL_CLOUDFORMATION: cloudFormation.endpoint,
        XDG_CACHE_HOME: join(folder, "cache"),
      };
      const named = args.includes("--stack") ? args : ["--endpoint", gateway.url, ...args];
      const ran = await cli(["doctor", "--region", REGION, ...named], { cwd: folder, env });
      return { ...ran, userArn, secretAccessKey, asked: cloudFormation.asked };
    };
    return { url: gateway.url, doctor };
  }

  test("doctor says whose the credentials are, that the endpoint lets them in, and the versions of both sides", async () => {
    const { url, doctor } = await deployed();
    const { out, userArn, secretAccessKey } = await doctor("admitted", ["--json"]);
    const { endpoint, checks, capabilities, check } = JSON.parse(out);
    expect(endpoint).toBe(url);
    expect(checks).toMatchObject([
      { name: "node", status: "pass" },
      { name: "credentials", status: "pass", message: `${userArn} of account 123456789012` },
      { name: "endpoint", status: "pass", message: `answers, and is version ${manifest.version}, as this is` },
    ]);
    expect({ runtime: check.runtime, adapters: capabilities.length }).toEqual({ runtime: "local", adapters: 2 });
    expect(out).not.toContain(secretAccessKey);

    const refused = await doctor("not-allowed");
    expect(refused.code).toBe(1);
    expect(refused.out).toMatch(/^✔ {2}credentials +arn:aws:sts::123456789012:assumed-role/m);
    expect(refused.out).toMatch(/^✖ {2}endpoint +.*execute-api:Invoke is missing; its IAM policy needs the statement/m);
  });

  test("doctor finds a stack by its name, and says of one that is not there so", async () => {
    const { doctor } = await deployed();
    const found = await doctor("admitted", ["--stack", "Team", "--json"]);
    const { stack, checks, check } = JSON.parse(found.out);
    expect(stack).toBe("Team");
    expect(checks).toMatchObject([
      { name: "node", status: "pass" },
      { name: "credentials", status: "pass", message: `${found.userArn} of account 123456789012` },
      { name: "endpoint", status: "pass" },
    ]);
    expect(check).toMatchObject({ runtime: "local" });
    expect(found.asked).toEqual(["Team"]);
    expect((await doctor("admitted", ["--stack", "Team"])).out).toMatch(/^system +the stack Team$/m);

    const gone = await doctor("admitted", ["--stack", "Gone"]);
    expect(gone.code).toBe(1);
    expect(gone.out).toMatch(/^✖ {2}endpoint +there is no stack Gone in us-west-2 in this account; name its region/m);
    const refused = await doctor("not-allowed", ["--stack", "Team"]);
    expect(refused.out).toMatch(/^✖ {2}endpoint +.*execute-api:Invoke is missing/m);
  });
});
