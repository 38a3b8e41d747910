/** Whose settings may steer an agent: only those of the folder that its profile lives in, by the configuration. */
import { mkdirSync, realpathSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { localBackend } from "../../lib/backends/local-process/backend.ts";
import type { ConfigurationInput } from "../../lib/contract/configuration.ts";
import type { Json } from "../../lib/contract/task.ts";
import { TaskService } from "../../lib/engine/service.ts";
import { jobOf } from "../../lib/engine/starting.ts";
import { toStored } from "../../lib/store/stored-task.ts";
import { parseConfiguration } from "../fixtures/configuration.ts";
import { adapters, exampleConfiguration, openPorts } from "../mcp/ports.ts";
import { temporaryFolder } from "../system/system.ts";

/** Two agents that live in folders of their own, behind the real adapter of this machine. */
function system() {
  const root = realpathSync(temporaryFolder());
  const folder = (name: string) => join(root, name);
  for (const name of ["api", "web", "evil"]) mkdirSync(folder(name));
  const agent = (name: string) => ({ backend: "this-machine", framework: "echo", workspace: folder(name) });
  const configuration = {
    ...exampleConfiguration,
    runtimes: {
      ...exampleConfiguration.runtimes,
      api: { ...agent("api"), instructions: "Read only.", limits: { maxTokens: 5000 } },
      web: agent("web"),
      plain: { backend: "this-machine", framework: "echo", target: { details: { workspace: folder("api") } } },
    },
  } satisfies ConfigurationInput;
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const backend = localBackend({
    stateDir: folder("state"),
    configuration: () => parseConfiguration(configuration),
    log,
    prewarm: false,
  });
  onTestFinished(() => backend.close());
  const ports = openPorts({ configuration, backends: { ...adapters, "local-process": backend } });
  const tasks = new TaskService(ports, "me");
  return {
    ports,
    backend,
    folder,
    async spawn(call: Json) {
      const handle = await tasks.spawn({ instruction: "look", ...call });
      if (handle.status === "needs_clarification") throw new Error(JSON.stringify(handle));
      const task = await ports.store.get(handle.taskId);
      if (!task) throw new Error("it is not there");
      return task;
    },
  };
}

const at = (workspace: string) => ({ target: { details: { workspace } } });

test("an agent that lives in a folder is trusted there, and says so to its worker with its instructions", async () => {
  const { ports, spawn, folder } = system();
  const task = await spawn({ runtime: "api" });
  expect(task).toMatchObject({ trusted: true, instructions: "Read only.", profile: "api" });
  expect(task.target.details).toEqual({ workspace: folder("api") });
  const job = await jobOf(ports, task);
  expect(job).toMatchObject({ trusted: true, limits: { maxTokens: 5000 } });
  expect(job.prompt).toBe("## Standing instructions\n\nRead only.\n\n## Task\n\nlook");
});

describe("nobody becomes trusted by naming a folder", () => {
  test.each([
    ["another folder, under the agent's name", "api", "evil"],
    ["the folder of another agent", "web", "api"],
    ["its own", "api", "api"],
    ["a folder below its own", "api", "api/node_modules"],
    ["its own by a longer path", "api", "api/../api"],
    ["an agent's folder, under a profile without one", "local", "api"],
  ])("%s", async (_what, runtime, workspace) => {
    const { ports, spawn, folder } = system();
    mkdirSync(folder("api/node_modules"));
    const task = await spawn({ runtime, ...at(`${folder("")}${workspace}`) });
    expect(task).not.toHaveProperty("trusted");
    expect(await jobOf(ports, task)).not.toHaveProperty("trusted");
  });

  test("nor does a profile whose target has a workspace", async () => {
    expect(await system().spawn({ runtime: "plain" })).not.toHaveProperty("trusted");
  });

  test.each([{ trusted: true }, { metadata: { trusted: true } }, { target: { details: { trusted: true } } }])(
    "nor does a call that says %j",
    async (call) => {
      const { ports, spawn } = system();
      const task = await spawn({ runtime: "local", ...call }).catch(({ code }) => code);
      if (task !== "input.invalid") expect(await jobOf(ports, task)).not.toHaveProperty("trusted");
    },
  );

  test("nor a call that takes the profile to another account", async () => {
    const { spawn } = system();
    const task = await spawn({ runtime: "api", account_profile: "dev-aws" });
    expect(task).not.toHaveProperty("trusted");
    expect(task.target.details).not.toHaveProperty("workspace");
  });
});

describe("a symbolic link in place of the folder", () => {
  const swap = (folder: (name: string) => string) => {
    renameSync(folder("api"), folder("was"));
    symlinkSync(folder("evil"), folder("api"));
  };

  test("is refused before a task is made", async () => {
    const { spawn, folder } = system();
    swap(folder);
    await expect(spawn({ runtime: "api" })).rejects.toMatchObject({
      code: "task.workspace_not_found",
      details: { workspace: folder("api"), place: folder("evil") },
    });
  });

  test("is refused where the task waited meanwhile", async () => {
    const { backend, spawn, folder } = system();
    const task = await spawn({ runtime: "api" });
    swap(folder);
    const session = { id: backend.nameSession(task), state: "open" as const, inFlight: {} };
    await expect(backend.provision({ ...task, session })).rejects.toMatchObject({ code: "task.workspace_not_found" });
  });

  test("shows in the checks of the agent", async () => {
    const { ports, folder } = system();
    swap(folder);
    const { ok, checks } = await new TaskService(ports, "me").check({ runtime: "api", live: false });
    expect(ok).toBe(false);
    expect(checks).toContainEqual({
      name: "workspace",
      status: "fail",
      message: `a symbolic link leads from the folder that the agent lives in, ${folder("api")}, to ${folder("evil")}`,
    });
  });
});

test("what the configuration takes back before the start is not trusted any more", async () => {
  const { ports, spawn, folder } = system();
  const task = await spawn({ runtime: "api" });
  const { api, ...runtimes } = ports.configuration().runtimes;
  for (const changed of [runtimes, { ...runtimes, api: { ...api, workspace: folder("web") } }]) {
    const edited = { ...ports, configuration: () => ({ ...ports.configuration(), runtimes: changed }) as never };
    expect(await jobOf(edited, task)).not.toHaveProperty("trusted");
  }
  expect(ports.logged.at(-1)).toContain("its profile lives in another folder now");
});

test("a folder that is gone is told to whoever calls, and keeps nobody from the rest", async () => {
  const { ports, spawn, folder } = system();
  renameSync(folder("web"), folder("moved"));
  await expect(spawn({ runtime: "web" })).rejects.toMatchObject({
    code: "task.workspace_not_found",
    message: `the folder that the agent lives in is not there: ${folder("web")}`,
  });
  expect(toStored(await spawn({ runtime: "api" }))).toMatchObject({ trusted: true });
  expect(ports.configuration().runtimes).toHaveProperty("web");
});
