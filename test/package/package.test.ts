import { execFile } from "node:child_process";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Cli, makeFolder } from "../client/cli/cli.ts";
import { endAllOf, processesOf } from "../client/cli/left-behind.ts";
import { environmentIn, install, type Packed, pack } from "./packed.ts";

const root = join(import.meta.dirname, "../..");
let folder = "";
let home = "";
let packed: Packed;

beforeAll(async () => {
  folder = await makeFolder();
  home = join(folder, "home");
  packed = await pack(folder);
  await install(packed.tarball, home);
});
afterAll(async () => {
  endAllOf(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

type Ran = { code: number; stdout: string; stderr: string };

/** Runs a program of the folder that it was installed in, to its end. */
async function run(program: string, ...args: string[]): Promise<Ran> {
  const options = { cwd: home, env: environmentIn(home) };
  const ended = promisify(execFile)(program, args, options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code, stdout, stderr }),
  );
  return await ended;
}

test("it holds what runs, what names the licences, and nothing else", () => {
  const names = packed.files.map(({ path }) => path);
  const chunk = /^dist\/package\/(?:agent-dispatch-[\w.-]+\.cjs|(?:worker\/)?[a-z-]+-[A-Z0-9]{8}\.mjs)(?:\.map)?$/;
  expect(names.filter((name) => !chunk.test(name)).sort()).toEqual([
    "LICENSE",
    "README.md",
    "bin/agent-dispatch.js",
    "bin/agentdispatch-mcp.js",
    "bin/launch.js",
    "bin/start-built.js",
    "dist/package/THIRD-PARTY-NOTICES.txt",
    "dist/package/agent-dispatch.cjs",
    "dist/package/agent-dispatch.cjs.map",
    "dist/package/agentdispatch-mcp.cjs",
    "dist/package/agentdispatch-mcp.cjs.map",
    "dist/package/aws.mjs",
    "dist/package/aws.mjs.map",
    "dist/package/bridge.cjs",
    "dist/package/bridge.cjs.map",
    "dist/package/client.d.mts",
    "dist/package/client.mjs",
    "dist/package/client.mjs.map",
    "dist/package/dispatch.asl.json",
    "dist/package/worker/main.d.mts",
    "dist/package/worker/main.mjs",
    "dist/package/worker/main.mjs.map",
    "dist/package/worker/strands.mjs",
    "dist/package/worker/strands.mjs.map",
    "package.json",
  ]);
  const executable = packed.files.filter(({ mode }) => (mode & 0o111) !== 0).map(({ path }) => path);
  expect(executable).toEqual(["bin/agent-dispatch.js", "bin/agentdispatch-mcp.js"]);
});

test("its manifest and its types are as every resolver wants them", async () => {
  const data = await readFile(packed.tarball);
  const tarball = new Uint8Array(data).buffer;
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  const result = await checkPackage(createPackageFromTarballData(new Uint8Array(data)));
  if (!result.types) throw new Error("no types were found");
  // The package is ESM alone: `require` of old versions and what resolved before there were exports do not reach it.
  const reached = result.problems.filter(
    (problem) => !("resolutionKind" in problem && /^node10$|^node16-cjs$/.test(problem.resolutionKind)),
  );
  expect(reached).toEqual([]);
  expect(Object.keys(result.entrypoints)).toEqual(["./client", "./worker", "./dispatch.asl.json", "./package.json"]);
});

test("nothing has to be installed beside it, and the licence of all that it holds is named", async () => {
  const installed = join(home, "node_modules/agent-dispatch-aws");
  const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(
    await readFile(join(installed, "package.json"), "utf8"),
  );
  expect([dependencies, optionalDependencies, peerDependencies]).toEqual([undefined, undefined, undefined]);
  const notices = await readFile(join(installed, "dist/package/THIRD-PARTY-NOTICES.txt"), "utf8");
  for (const bundled of ["commander", "zod", "hono", "@strands-agents/sdk", "@aws-sdk/client-dynamodb"])
    expect(notices).toMatch(new RegExp(`^${bundled} \\d+\\.\\d+\\.\\d+: \\S+$`, "m"));
});

test("a command says its version, and runs a program in a system of its own", async () => {
  expect(await run("agent-dispatch", "--version")).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
  expect((await run("agentdispatch", "--version")).stdout).toBe("0.1.0\n");
  expect((await run("agentdispatch-mcp", "--check")).stdout).toMatch(/^✔ +no file/);
  const ran = await run("agent-dispatch", "run", "--command", "sh -c 'echo it ran; exit 3'");
  expect(ran).toMatchObject({ code: 3, stdout: "it ran\n" });
  expect(processesOf(home)).toEqual([]);
});

test("what a start has compiled is kept for the next, and what is kept may be damaged", async () => {
  const kept = () =>
    readdirSync(join(home, ".cache/agent-dispatch/code-cache"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  const { code, stdout } = await run("agent-dispatch", "help");
  expect((await run("agent-dispatch", "capabilites")).code).toBe(2);
  expect(kept().filter((file) => file.includes("capabilites"))).toEqual([]);
  expect({ code, kept: kept().filter((file) => file.includes("/help/")).length > 0 }).toEqual({ code: 0, kept: true });
  for (const file of kept()) {
    expect(statSync(file).mode & 0o777).toBe(0o600);
    writeFileSync(file, readFileSync(file).fill(0xff, 2000));
  }
  expect(await run("agent-dispatch", "help")).toEqual({ code: 0, stdout, stderr: "" });
  for (const file of kept().filter((file) => file.includes("/help/"))) writeFileSync(file, "nothing of ours");
  expect(await run("agent-dispatch", "help")).toEqual({ code: 0, stdout, stderr: "" });
});

test("a system of it serves other commands, and its worker starts an agent", async () => {
  const stateDir = join(home, "state");
  const where = ["--state-dir", stateDir];
  const entry = join(home, "node_modules/.bin/agent-dispatch");
  const local = new Cli(["local", "--port", "0", ...where], { entry, cwd: home, env: environmentIn(home) });
  await local.shows("Ctrl-C stops it");
  const ran = await run("agent-dispatch", "run", ...where, "--framework", "echo", "say this");
  expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining("say this") });
  // The agent on Strands is a program beside the worker: it is found, and says that it has no model.
  const strands = await run("agent-dispatch", "run", ...where, "--framework", "strands", "say this");
  expect(strands.stderr).toContain("no model is named");
  const listed = await run("agent-dispatch", "list", ...where, "--json");
  expect(JSON.parse(listed.stdout).items).toHaveLength(2);
  local.kill("SIGTERM");
  expect((await local.ended).code).toBe(0);
});

const consumer = `
import { type Client, createClient, DispatchError, type TaskRecord } from "agent-dispatch-aws/client";

const client: Client = createClient({ local: { stateDir: "consumed" } });
try {
  const task = await client.dispatch({
    provider: "local",
    account_profile: "local",
    capability: "agent-runtime",
    task_type: "command.run",
    target: { mode: "session" },
    input: { command: "echo from a consumer" },
  });
  for await (const text of task.logs({ follow: true })) process.stdout.write(text);
  const record: TaskRecord = await task.wait();
  const { status, artifacts } = await task.result();
  const sizes: (number | undefined)[] = artifacts.map(({ sizeBytes }) => sizeBytes);
  console.log(record.id === task.id, status, sizes.length);
  await client.task("task_00000000000000000000000000000000").status();
} catch (error) {
  if (!(error instanceof DispatchError)) throw error;
  const said: { name: string; code: string; retryable: boolean } = error;
  console.log(said.name, said.code, said.retryable);
} finally {
  await client.close();
}
`;

test("a program of somebody else imports the client, with its types", async () => {
  const compilerOptions = { module: "nodenext", target: "es2024", strict: true, noEmit: true, skipLibCheck: false };
  const typeRoots = [join(root, "node_modules/@types")];
  const types = { types: ["node"], typeRoots };
  const files = ["consumer.ts", "mistaken.ts"];
  await writeFile(
    join(home, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...compilerOptions, ...types }, files }),
  );
  await writeFile(join(home, "consumer.ts"), consumer);
  await writeFile(join(home, "mistaken.ts"), `${consumer}client.dispatch({ provider: 1 });\n`);
  const checked = await run(process.execPath, join(root, "node_modules/typescript/bin/tsc"), "-p", home);
  const mistakes = checked.stdout.split("\n").filter((line) => /^\S/.test(line));
  expect(mistakes).toEqual([expect.stringMatching(/^mistaken\.ts\(\d+,\d+\): error .* 'number' is not assignable/)]);

  const { code, stdout, stderr } = await run(process.execPath, "consumer.ts");
  expect({ code, stdout, stderr }).toEqual({
    code: 0,
    stdout: "from a consumer\ntrue succeeded 0\nDispatchError task.not_found false\n",
    stderr: "",
  });
  expect((await run("agent-dispatch", "local", "stop", "--state-dir", "consumed")).code).toBe(0);
});

test("the worker and the definition of the workflow are found by their names", async () => {
  const script = `
    const definition = await import("agent-dispatch-aws/dispatch.asl.json", { with: { type: "json" } });
    console.log(definition.default.StartAt, import.meta.resolve("agent-dispatch-aws/worker"));`;
  const { stdout } = await run(process.execPath, "--input-type=module", "--eval", script);
  expect(stdout).toMatch(/^\w+ file:\S+\/dist\/package\/worker\/main\.mjs\n$/);
});
