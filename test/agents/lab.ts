import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished } from "vitest";
import { environmentVariables } from "../../lib/contract/execution-environment.ts";
import { builtInFrameworks } from "../../lib/contract/frameworks.ts";
import type { Json } from "../../lib/contract/task.ts";
import type { ModelServer } from "../emulators/models/model-server.ts";
import { type RunningSystem, type SystemClient, startSystem } from "../system/system.ts";
import { processesWith } from "../worker/start-worker.ts";
import { install } from "./installed.ts";
import type { RealProgram } from "./real-program.ts";

const KEY = "key-of-the-person";

// What whoever runs this has for their own models is nothing for a test.
for (const { environment } of Object.values(builtInFrameworks))
  for (const pattern of environment)
    for (const name of Object.keys(process.env))
      if (pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern) delete process.env[name];

export type LabOptions = {
  /** The key that the person has; by default the one that the model takes, and undefined for none. */
  key?: string;
  /** The configuration of the system, by the folder of the workspace. */
  configure?: (workspace: string) => Json;
};

/** A person's machine with one agent program: a home, a model, a workspace and our system. */
export type Lab = {
  model: ModelServer;
  folder: string;
  home: string;
  workspace: string;
  /** Where the program is, and the environment of the person. */
  bin: string;
  env: Record<string, string>;
  system: RunningSystem;
  client: SystemClient;
  /** Dispatches an instruction to the program, in the workspace; resolves with the task's handle. */
  spawn(instruction: string, more?: Json): Promise<Json & { taskId: string }>;
  /** The same, until the task has ended; resolves with its record. */
  run(instruction: string, more?: Json): Promise<Json>;
  result(record: Json): Promise<Json>;
  /** Starts the system again on what it has kept. */
  restart(): Promise<Lab>;
};

/** Opens a lab for the length of a test. */
export async function openLab(program: RealProgram, options: LabOptions = {}): Promise<Lab> {
  const bin = await install(program);
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-agents-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  const model = await program.startModel(KEY);
  onTestFinished(() => model[Symbol.asyncDispose]());
  const [home, workspace, state] = ["home", "workspace", "state"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [home, workspace, state]) mkdirSync(path);
  const env = {
    HOME: home,
    PATH: [bin, dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
    ...program.settle(home, { url: model.url, key: options.key ?? KEY }),
  };
  const configuration = options.configure?.(workspace) ?? {};
  const open = async (): Promise<Lab> => {
    const system = await startSystem(state, { env, configuration, limits: { graceSeconds: 2 } });
    return labOf({ program, model, folder, home, workspace, bin, env, system, restart: open });
  };
  return open();
}

type Parts = Pick<Lab, "model" | "folder" | "home" | "workspace" | "bin" | "env" | "system" | "restart"> & {
  program: RealProgram;
};

function labOf({ program, ...parts }: Parts): Lab {
  const { client } = parts.system;
  const spawn = async (instruction: string, more: Json = {}) => {
    const handle = await client.must("spawn_cloud_agent", {
      instruction,
      framework: program.framework,
      runtime_tools: program.permissive,
      target: { details: { workspace: parts.workspace } },
      ...more,
    });
    if (typeof handle.taskId !== "string") throw new Error(`no task was made: ${JSON.stringify(handle)}`);
    return { ...handle, taskId: handle.taskId };
  };
  return {
    ...parts,
    client,
    spawn,
    run: async (instruction, more) => client.ended((await spawn(instruction, more)).taskId),
    result: async (record) => client.must("get_task_result", { task_id: record.id }),
  };
}

/** Ids of the processes that belong to a task, by its mark in their environment, read without the code under test. */
export const leftOf = (taskId: string): number[] => processesWith(`${environmentVariables.taskId}=${taskId}`);

/** Fails with the reason of a task that did not succeed. */
export const succeeded = ({ status, error }: Json): void => expect(status, JSON.stringify(error)).toBe("succeeded");

/** Waits for something that a task does while it runs; fails at once when it has ended. */
export async function whileRunning({ client }: Lab, taskId: string, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    const { status, error } = await client.status(taskId);
    if (!["queued", "provisioning", "starting", "running"].includes(String(status)))
      throw new Error(`the task is ${status}: ${JSON.stringify(error)}`);
    await sleep(50);
  }
}

/** What an agent wrote into a file of its workspace. */
export const read = (lab: Lab, name: string): string => readFileSync(join(lab.workspace, name), "utf8");
