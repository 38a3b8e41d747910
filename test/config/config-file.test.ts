import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadConfiguration, watchConfiguration } from "../../lib/config/config-file.ts";
import { ConfigurationError } from "../../lib/config/locate.ts";
import { adapters } from "../fixtures/configuration.ts";

let cwd: string;
let warnings: [string, unknown][];
const env = { HOME: "/home-of-the-test" };
const log = { info: () => {}, warn: (message: string, fields?: unknown) => void warnings.push([message, fields]) };

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "config-file-"));
  warnings = [];
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function write(content: unknown, name = "agentdispatch.config.json"): string {
  const path = join(cwd, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}

function issuesOf(action: () => unknown): Record<string, string> {
  try {
    action();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const { issues } = error.details as { issues: { path: string; message: string }[] };
    for (const { message } of issues) expect(error.message).toContain(message);
    return Object.fromEntries(issues.map(({ path, message }) => [path, message]));
  }
  throw new Error("it was accepted");
}

test("without a file the built-in configuration runs jobs on this machine", () => {
  const loaded = loadConfiguration({ adapters, cwd, env, platform: "linux" });
  expect(loaded).toMatchObject({ stateDir: "/home-of-the-test/.local/share/agent-dispatch", baseDir: cwd });
  expect(loaded).not.toHaveProperty("file");
  expect(loaded.configuration).toMatchObject({
    accounts: { local: { provider: "local", credentialSource: "none" } },
    backends: { local: { adapter: "local-process", account: "local" } },
    runtimes: { local: { backend: "local", target: { mode: "session" } } },
    defaults: { runtime: "local" },
  });
});

test.each([
  ["linux", { HOME: "/h", XDG_DATA_HOME: "/data" }, "/data/agent-dispatch"],
  ["linux", { HOME: "/h", XDG_DATA_HOME: "relative" }, "/h/.local/share/agent-dispatch"],
  ["linux", { HOME: "/h", XDG_DATA_HOME: "" }, "/h/.local/share/agent-dispatch"],
  ["darwin", { HOME: "/h", XDG_DATA_HOME: "/data" }, "/h/Library/Application Support/agent-dispatch"],
] as const)("on %s with %o the state lives in %s", (platform, env, stateDir) => {
  expect(loadConfiguration({ adapters, cwd, env, platform }).stateDir).toBe(stateDir);
});

test("the file is named by the option, then by the environment, then by convention", () => {
  write({ stateDir: "by-convention" });
  write({ stateDir: "by-environment" }, "b.json");
  write({ stateDir: "by-option" }, "c.json");
  const stateDir = (configFile?: string, named?: string) =>
    loadConfiguration({
      adapters,
      cwd,
      env: { ...env, AGENTDISPATCH_CONFIG: named },
      ...(configFile && { configFile }),
    }).stateDir;
  expect(stateDir("c.json", "b.json")).toBe(join(cwd, "by-option"));
  expect(stateDir(undefined, "b.json")).toBe(join(cwd, "by-environment"));
  expect(stateDir(undefined, "")).toBe(join(cwd, "by-convention"));
});

test("paths are relative to the file, and the one in the environment to the working directory", () => {
  mkdirSync(join(cwd, "sub", "jobs"), { recursive: true });
  const backend = { adapter: "local-process", account: "local", details: { workspace: "jobs" } };
  const target = { details: { workspace: "." } };
  const configFile = write(
    {
      stateDir: "../state",
      backends: { here: backend },
      runtimes: { r: { backend: "here", target } },
      defaults: { target },
    },
    "sub/config.json",
  );
  const loaded = loadConfiguration({ adapters, cwd, configFile: "sub/config.json", env });
  expect(loaded).toMatchObject({ stateDir: join(cwd, "state"), baseDir: join(cwd, "sub"), file: configFile });
  expect(loaded.configuration.backends.here?.details).toEqual({ workspace: join(cwd, "sub", "jobs") });
  expect(loaded.configuration.runtimes.r?.target.details).toEqual({ workspace: join(cwd, "sub") });
  expect(loaded.configuration.defaults.target?.details).toEqual({ workspace: join(cwd, "sub") });
  const overridden = loadConfiguration({
    adapters,
    cwd,
    configFile,
    env: { ...env, AGENTDISPATCH_STATE_DIR: "elsewhere" },
  });
  expect(overridden.stateDir).toBe(join(cwd, "elsewhere"));
});

test("what the user names wins over the built-in part of the same name", () => {
  write({
    accounts: { local: { provider: "local", credentialSource: "mine" } },
    runtimes: { local: { backend: "local", framework: "claude-code" }, other: { backend: "local" } },
    defaults: { runtime: "other" },
  });
  const { configuration } = loadConfiguration({ adapters, cwd, env });
  expect(configuration.accounts.local?.credentialSource).toBe("mine");
  expect(configuration.runtimes.local).toMatchObject({ framework: "claude-code", target: {} });
  expect(Object.keys(configuration.runtimes)).toEqual(["local", "other"]);
  expect(configuration.defaults.runtime).toBe("other");
});

const aws = { "dev-aws": { provider: "aws" } };
test.each([
  ["no account", {}, ["local"]],
  ["an empty list of them", { accounts: {} }, ["local"]],
  ["another account only", { accounts: aws }, []],
  ["`local` beside another", { accounts: { ...aws, local: { provider: "local" } } }, ["local"]],
  ["an account of AWS by that name", { accounts: { local: { provider: "aws" } } }, []],
])("with a file that names %s, jobs run on this machine only where that says so", (_, file, expected) => {
  write(file);
  const { configuration } = loadConfiguration({ adapters, cwd, env });
  const { accounts, backends, runtimes, defaults } = configuration;
  const local = Object.entries(accounts).filter(([, { provider }]) => provider === "local");
  expect(local.map(([name]) => name)).toEqual(expected);
  expect(Object.keys(backends)).toEqual(expected);
  expect(Object.keys(runtimes)).toEqual(expected);
  expect(defaults.runtime).toBe(expected[0]);
});

test("agents may dispatch where they can reach the system, and nowhere else", () => {
  const backends = {
    far: { adapter: "aws-agentcore", account: "dev-aws" },
    here: { adapter: "local-process", account: "local" },
  };
  const [lead, near] = ["far", "here"].map((backend) => ({ backend, mayDispatch: true }));
  write({ accounts: { ...aws, local: { provider: "local" } }, backends, runtimes: { lead, near } });
  expect(issuesOf(() => loadConfiguration({ adapters, cwd, env }))).toEqual({
    "runtimes.lead.mayDispatch": "agents of aws-agentcore cannot dispatch; only those of local-process can",
  });
});

test("a backend of an account that the file does not name is a mistake, with those that it names", () => {
  write({ accounts: aws, backends: { here: { adapter: "local-process", account: "local" } } });
  expect(issuesOf(() => loadConfiguration({ adapters, cwd, env }))).toEqual({
    "backends.here.account": "no account is named local; there are: dev-aws",
  });
});

test.each([
  ["", 1, 1, "expected a value"],
  ["{}\n{}", 2, 1, "expected the end of the file"],
  ['{\n  "stateDir": secret\n}', 2, 15, "expected a value"],
  ['{"a": [1, 2', 1, 12, "expected a comma or ]"],
  ['{"a": [1,]}', 1, 10, "expected a value"],
  ['{"a": 1,\n}', 2, 1, "expected a name in double quotes"],
  ['{"a" 1}', 1, 6, "expected a colon"],
  ["{'a': 1}", 1, 2, "expected a name in double quotes or }"],
])("a syntax mistake in %j is told with its place", (text, line, column, message) => {
  const path = write(text);
  expect(issuesOf(() => loadConfiguration({ adapters, cwd, env }))).toEqual({
    [`${path}:${line}:${column}`]: `not JSON: ${message}`,
  });
});

test("a byte order mark is passed over", () => {
  write('\uFEFF{"stateDir":"s"}');
  expect(loadConfiguration({ adapters, cwd, env }).stateDir).toBe(join(cwd, "s"));
});

test("all mistakes are told together, each with its path, the workspaces too", () => {
  write("", "a-file");
  const local = { adapter: "local-process", account: "local" };
  write({
    runtimes: { a: { backend: "nowhere" }, b: { backend: "local", target: { details: { workspace: "" } } } },
    backends: {
      missing: { ...local, details: { workspace: "missing" } },
      file: { ...local, details: { workspace: "a-file" } },
      number: { ...local, details: { workspace: 7 } },
      environment: { ...local, details: { environment: { "A-B": "x", C: 7 } } },
    },
    defaults: { runtime: "constructor" },
  });
  expect(issuesOf(() => loadConfiguration({ adapters, cwd, env }))).toEqual({
    "runtimes.a.backend": expect.stringContaining("no backend is named nowhere"),
    "defaults.runtime": expect.stringContaining("no runtime is named constructor"),
    "backends.missing.details.workspace": `there is no folder ${join(cwd, "missing")}`,
    "backends.file.details.workspace": `there is no folder ${join(cwd, "a-file")}`,
    "backends.number.details.workspace": "must be the path of a folder",
    "backends.environment.details.environment.A-B": expect.stringContaining("letters, digits and underscores"),
    "backends.environment.details.environment.C": "must be a text",
    "runtimes.b.target.details.workspace": "must be the path of a folder",
  });
});

test.each([["[]"], ["null"], ['"text"'], ["7"], ['{"accounts":[]}'], ['{"defaults":null}'], ['{"runtimes":"x"}']])(
  "%s is refused",
  (text) => {
    write(text);
    expect(Object.keys(issuesOf(() => loadConfiguration({ adapters, cwd, env })))).toHaveLength(1);
  },
);

test("a file that is named must be there, and be a file", () => {
  const open = (configFile: string) => issuesOf(() => loadConfiguration({ adapters, cwd, configFile, env }));
  expect(open("missing.json")).toEqual({ "": "there is no such file" });
  expect(open(".")).toEqual({ "": "it is a folder" });
});

test("a file that cannot be read is an error, not the built-in configuration", () => {
  symlinkSync("agentdispatch.config.json", join(cwd, "agentdispatch.config.json"));
  expect(issuesOf(() => loadConfiguration({ adapters, cwd, env }))).toEqual({ "": "it cannot be read (ELOOP)" });
});

test("an edit is seen at the next look, however quick, in place or by renaming", () => {
  write({ stateDir: "state", defaults: { limits: { maxRunning: 1 } } });
  using watched = watchConfiguration({ adapters, cwd, env }, log);
  const edit = (maxRunning: number, name?: string) =>
    write({ stateDir: "state", defaults: { limits: { maxRunning } } }, name);
  for (const maxRunning of [2, 3, 4]) {
    edit(maxRunning);
    expect(watched.current().defaults.limits.maxRunning).toBe(maxRunning);
  }
  renameSync(edit(5, "new.json"), join(cwd, "agentdispatch.config.json"));
  expect(watched.current().defaults.limits.maxRunning).toBe(5);
  expect(warnings).toEqual([]);
});

test("an edit to a file that was left alone for long is seen as well", () => {
  const path = write({ defaults: { limits: { maxRunning: 1 } } });
  utimesSync(path, 1000, 1000);
  using watched = watchConfiguration({ adapters, cwd, env }, log);
  expect(watched.current()).toBe(watched.current());
  write({ defaults: { limits: { maxRunning: 2 } } });
  expect(watched.current().defaults.limits.maxRunning).toBe(2);
});

test("what a profile keeps ready, and bills meanwhile, is told when the file is read, and when it is read again", () => {
  const configured = (warm: number) => ({
    accounts: { aws: { provider: "aws", region: "us-west-2" } },
    backends: { cloud: { adapter: "aws-agentcore", account: "aws" } },
    runtimes: { ready: { backend: "cloud", warm } },
  });
  write(configured(1));
  using watched = watchConfiguration({ adapters, cwd, env }, log);
  write(configured(20));
  expect(watched.current().runtimes.ready?.warm).toBe(20);
  expect(warnings.map(([message]) => message)).toEqual([
    expect.stringMatching(/^runtimes\.ready\.warm: a session that is kept ready .* costs \$0\.86 to/),
    expect.stringMatching(/^runtimes\.ready\.warm: 20 sessions that are kept ready .* cost \$17\.25 to/),
  ]);
});

test("a bad edit keeps the last good one and is told once; the next good one counts", () => {
  const path = write({ defaults: { limits: { maxRunning: 1 } } });
  using watched = watchConfiguration({ adapters, cwd, env }, log);
  write({ defaults: { runtime: "a", limits: { maxRunning: 2 } }, runtimes: { b: { backend: "c" } } });
  expect(watched.current().defaults.limits.maxRunning).toBe(1);
  expect(watched.current().defaults.limits.maxRunning).toBe(1);
  expect(warnings).toEqual([
    [
      "the configuration has issues; the last good one stays in force",
      {
        file: path,
        issues: [
          expect.objectContaining({ path: "runtimes.b.backend" }),
          expect.objectContaining({ path: "defaults.runtime" }),
        ],
      },
    ],
  ]);
  write({ defaults: { limits: { maxRunning: 3 } } });
  expect(watched.current().defaults.limits.maxRunning).toBe(3);
});

test("a mistake is told without anybody looking", async () => {
  const path = write({});
  utimesSync(path, 1000, 1000);
  using _watched = watchConfiguration({ adapters, cwd, env }, log);
  write("{");
  await vi.waitUntil(() => warnings.length > 0, { timeout: 15_000 });
});

test("a file that goes keeps the last good one, and one that comes is read", () => {
  using watched = watchConfiguration({ adapters, cwd, env }, log);
  const path = write({ defaults: { limits: { maxRunning: 3 } } });
  expect(watched.current().defaults.limits.maxRunning).toBe(3);
  rmSync(path);
  expect(watched.current().defaults.limits.maxRunning).toBe(3);
  expect(warnings).toEqual([
    [expect.any(String), { file: path, issues: [{ path: "", message: "there is no such file" }] }],
  ]);
});

test("a new stateDir is for the next start", () => {
  write({ stateDir: "one" });
  using watched = watchConfiguration({ adapters, cwd, env }, log);
  write({ stateDir: "two" });
  expect(watched.current().stateDir).toBe("two");
  expect(watched.loaded.stateDir).toBe(join(cwd, "one"));
  expect(warnings).toEqual([[expect.stringContaining("stateDir"), expect.anything()]]);
});

test("watching does not keep a process alive", () => {
  const script = `import { watchConfiguration } from ${JSON.stringify(join(import.meta.dirname, "../../lib/config/config-file.ts"))};
    watchConfiguration({ adapters: [], cwd: ${JSON.stringify(cwd)} }, console);`;
  execFileSync(process.execPath, ["--input-type=module", "--eval", script], { timeout: 20_000 });
});

test("a file with comments is read", () => {
  write('// mine\n{ "defaults": { /* few */ "limits": { "maxRunning": 3 } } } // end');
  expect(loadConfiguration({ adapters, cwd, env }).configuration.defaults.limits.maxRunning).toBe(3);
});

test("the person's own file in the state folder counts where there is no other", () => {
  const stateDir = join(cwd, "state");
  const place = { adapters, cwd, env, stateDir, ownFile: true };
  mkdirSync(stateDir);
  using watched = watchConfiguration(place, log);
  expect(watched.file()).toBe(join(stateDir, "agentdispatch.config.json"));
  expect(watched.loaded).not.toHaveProperty("file");
  write({ defaults: { limits: { maxRunning: 3 } } }, "state/agentdispatch.config.json");
  expect(watched.current().defaults.limits.maxRunning).toBe(3);
  expect(loadConfiguration(place)).toMatchObject({ file: watched.file(), baseDir: stateDir, stateDir });
  expect(loadConfiguration({ ...place, ownFile: false })).not.toHaveProperty("file");

  const named = write({ defaults: { limits: { maxRunning: 5 } } }, "named.json");
  expect(loadConfiguration({ ...place, configFile: named }).file).toBe(named);
  const here = write({ defaults: { limits: { maxRunning: 4 } } });
  expect(loadConfiguration(place)).toMatchObject({ file: here, stateDir });
  // What is in force stays so until the next start.
  expect(watched.current().defaults.limits.maxRunning).toBe(3);
});
