import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { agentCore } from "../../lib/backends/agentcore/description.ts";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { protocolPorts } from "../../lib/contract/kinds.ts";
import { copyAgent } from "../../lib/infra/bundle.ts";
import { agentFolder, childName, imageArguments, imageFiles, imagePackage } from "../../lib/infra/worker-image.ts";
import manifest from "../../package.json" with { type: "json" };
import { bundledBridge } from "../../worker/dispatching.ts";
import { startBedrock } from "../emulators/models/bedrock.ts";
import { scripted } from "../emulators/models/script.ts";
import { TestWorker, temporaryFolder, until } from "./start-worker.ts";

const root = join(import.meta.dirname, "../..");

/** The instructions of a Dockerfile, with their continued lines, without comments. */
const instructions = readFileSync(join(root, "worker/Dockerfile"), "utf8")
  .replaceAll(/^#.*\n/gm, "")
  .replaceAll(/\\\n/g, " ")
  .split("\n")
  .filter((line) => line.trim() !== "")
  .map((line) => ({ name: line.split(" ")[0] ?? "", rest: line.slice(line.indexOf(" ") + 1).trim() }));
const all = (name: string) => instructions.filter((one) => one.name === name).map(({ rest }) => rest);

describe("the image's files, and nothing else", () => {
  const out = temporaryFolder();
  const context = join(out, "worker");
  const image = temporaryFolder();
  beforeAll(() => {
    execFileSync(process.execPath, [join(root, "bin/bundle.ts"), out], { cwd: root });
    const copied = all("COPY").flatMap((rest) =>
      rest
        .split(/\s+/)
        .filter((word) => !word.startsWith("--"))
        .slice(0, -1),
    );
    const matching = (name: string) =>
      name === "*.mjs" ? readdirSync(context).filter((file) => file.endsWith(".mjs")) : [name];
    for (const name of copied.flatMap(matching)) cpSync(join(context, name), join(image, name), { recursive: true });
  });

  test("are the build context", () => {
    const files = [...Object.keys(imageFiles), agentFolder, "node_modules"].sort();
    // Beside the programs lies what they load when they need it.
    const isOther = (file: string) => !/^(main-\w+|(strands|bridge)(-\w+)?)\.mjs$/.test(file);
    expect(readdirSync(context).filter(isOther).sort()).toEqual(files);
    expect([...readdirSync(image), "Dockerfile"].filter(isOther).sort()).toEqual(files);
    expect(readdirSync(image)).toEqual(expect.arrayContaining([`${childName}.mjs`, bundledBridge]));
    expect(readdirSync(join(image, "node_modules"))).toEqual([imagePackage.name]);
  });

  test("bring the bridge by which agents dispatch", () => {
    const said = execFileSync(process.execPath, [join(image, bundledBridge), "--version"]).toString();
    expect(said).toBe(`${manifest.version}\n`);
  });

  test("run a job, and end with code 0 at SIGTERM", async () => {
    await using worker = await startImage(image);
    expect((await worker.ping()).status).toBe("Healthy");
    expect((await worker.hello()).frameworks).toContain("echo");
    const { reply, text } = await worker.run({ command: "echo done" });
    expect(reply).toMatchObject({ status: "succeeded" });
    expect(text("stdout")).toBe("done\n");
    const begin = performance.now();
    worker.process.kill("SIGTERM");
    expect(await worker.exited()).toBe(0);
    expect(performance.now() - begin).toBeLessThan(5000);
  });

  test("run an agent of one's own", async () => {
    const agent = temporaryFolder();
    writeFileSync(join(agent, "agent.sh"), 'echo "heard: $(cat)"');
    mkdirSync(join(agent, ".git"));
    await copyAgent(out, agent);
    cpSync(join(context, agentFolder), join(image, agentFolder), { recursive: true });
    expect(readdirSync(join(image, agentFolder))).toEqual(["agent.sh"]);
    const command = `sh ${join(image, agentFolder, "agent.sh")}`;
    await using worker = await startImage(image, { [`${environmentVariables.frameworkCommandPrefix}MINE`]: command });
    const { reply } = await worker.agent({ instruction: "hello", framework: "mine" });
    expect(JSON.stringify(reply.result)).toContain("heard: ");
  });

  test("run an agent on Strands", async () => {
    await using bedrock = await startBedrock("AKIAEXAMPLE");
    await using worker = await startImage(image, {
      AWS_REGION: "us-west-2",
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "secret",
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
    });
    const instruction = scripted("say it", { run: "echo from the shell" }, { say: "said" });
    const { reply } = await worker.agent({ instruction, framework: "strands", model: "anthropic.claude" });
    expect(reply).toMatchObject({ status: "succeeded", result: { output: "said" } });
    expect(JSON.stringify(bedrock.requests.at(-1)?.body)).toContain("from the shell");
  });

  test("end with code 0 at SIGTERM while a job runs", async () => {
    await using worker = await startImage(image);
    await worker.start({ taskType: "command.run", input: { command: "sleep 600" } });
    worker.process.kill("SIGTERM");
    expect(await worker.exited()).toBe(0);
  });

  /** Runs the image's command with nothing in its environment but where to look for programs and where to listen. */
  async function startImage(folder: string, env: Record<string, string> = {}): Promise<TestWorker> {
    const [program = "", ...words] = JSON.parse(all("CMD")[0] ?? "") as string[];
    const child = spawn(program === "node" ? process.execPath : program, words, {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
      env: {
        PATH: process.env.PATH,
        [environmentVariables.workerHost]: "127.0.0.1",
        [environmentVariables.workerPort]: "0",
        ...env,
      },
    });
    let output = "";
    child.stderr.on("data", (chunk) => {
      output += chunk;
    });
    const port = await until(() => /listens on 127\.0\.0\.1:(\d+)/.exec(output)?.[1], 20_000);
    return new TestWorker(child, temporaryFolder(), Number(port), () => output);
  }
});

describe("the Dockerfile", () => {
  test("starts from one image, with the Node that runs the tests, for one platform", () => {
    expect(all("ARG")[0]).toBe("PLATFORM=linux/arm64");
    const { node } = manifest.devDependencies;
    expect(all("FROM")).toEqual([`--platform=$PLATFORM public.ecr.aws/docker/library/node:${node}-trixie-slim`]);
  });

  test("takes in what its base has mended, in the layer that the argument of the build makes anew", () => {
    const [name = "", ...others] = Object.keys(imageArguments(new Date()));
    expect(all("ARG").slice(1)).toEqual([name, ...others.map((other) => `${other}=`)]);
    expect(all("RUN")[0]).toMatch(new RegExp(`^: "\\$${name}" && apt-get update && apt-get upgrade -y `));
    const order = instructions.map(({ name }) => name);
    expect(order.indexOf("FROM")).toBeLessThan(order.lastIndexOf("ARG"));
    expect(order.lastIndexOf("ARG")).toBeLessThan(order.indexOf("RUN"));
  });

  test("installs in one layer and leaves neither lists nor build tools", () => {
    const [run = "", claude, agent, ...others] = all("RUN");
    expect(others).toEqual([]);
    expect(agent).toBe("chmod -R a+rX /agent && if [ -f /agent/install.sh ]; then cd /agent && sh install.sh; fi");
    expect(claude).toMatch(
      /^if \[ -n "\$CLAUDE_CODE" \]; then +npm install --global .*@\$CLAUDE_CODE" && npm cache clean/,
    );
    expect(run.split(/\s+/)).toContain("$PACKAGES");
    for (const tool of "bash ca-certificates curl git jq openssh-client python3 tini unzip".split(" "))
      expect(run.split(/\s+/)).toContain(tool);
    expect(run).toContain("--no-install-recommends");
    expect(run).toContain("rm -rf /var/lib/apt/lists/*");
    expect(run).not.toMatch(/build-essential|\b(?:gcc|g\+\+|make|npm)\b|-dev\b/);
    expect(all("ADD")).toEqual([]);
  });

  test("runs the worker as a user by number, below an init, without a shell between", () => {
    expect(all("USER")).toEqual(["1000"]);
    expect(JSON.parse(all("ENTRYPOINT")[0] ?? "")).toEqual(["tini", "-s", "--"]);
    expect(JSON.parse(all("CMD")[0] ?? "")).toEqual(["node", "--max-semi-space-size=1", "main.mjs"]);
    expect(instructions.findIndex(({ name }) => name === "USER")).toBeGreaterThan(
      instructions.findLastIndex(({ name }) => name === "RUN"),
    );
  });

  test("sets what the worker reads, and exposes the ports it can listen on", () => {
    const set = all("ENV").flatMap((rest) => rest.split(/\s+/).map((pair) => pair.split("=")));
    const names = set.map(([name]) => name);
    const { platform, workspace } = environmentVariables;
    expect(names.sort()).toEqual(["CLAUDE_CODE_USE_BEDROCK", "HOME", platform, workspace].sort());
    expect(Object.fromEntries(set).CLAUDE_CODE_USE_BEDROCK).toMatch(/^\$\{CLAUDE_CODE:\+1\}$/);
    expect(set).toContainEqual([platform, agentCore.name]);
    // The home of user 1000 in the base image: https://github.com/nodejs/docker-node/blob/main/Dockerfile-slim.template
    expect(set).toContainEqual(["HOME", "/home/node"]);
    const ports = all("EXPOSE").flatMap((rest) => rest.split(/\s+/).map(Number));
    expect(new Set(ports)).toEqual(new Set(Object.values(protocolPorts)));
  });
});
