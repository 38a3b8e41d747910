import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { packageFolder } from "../../lib/client/cli/command-name.ts";
import { toolSchemas } from "../../lib/contract/tools/index.ts";
import { install } from "../agents/installed.ts";
import type { ModelServer } from "../emulators/models/model-server.ts";
import { scripted } from "../emulators/models/script.ts";
import { assistants, type RealAssistant } from "./assistant.ts";

const KEY = "key-of-the-person";
const RUN_MS = 120_000;
const ID = "task_[0-9a-f]{32}";

const isJson = (line: string): boolean => line.startsWith("{");

/** The tools that are listed anywhere in what was said, as JSON. */
function toolsIn(value: unknown): string {
  if (typeof value !== "object" || value === null) return "";
  return Object.entries(value)
    .map(([name, inner]) => (name === "tools" ? JSON.stringify(inner) : toolsIn(inner)))
    .join("");
}

type Ran = { code: number | null; out: string; err: string };

/** A person's machine with one assistant, which `init` has told of us. */
async function openHome({ program }: RealAssistant) {
  const bin = await install(program);
  const folder = mkdtempSync(join(tmpdir(), "agent-dispatch-clients-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  const model: ModelServer = await program.startModel(KEY);
  onTestFinished(() => model[Symbol.asyncDispose]());
  const [home, workspace, state] = ["home", "workspace", "state"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [home, workspace]) mkdirSync(path);
  const env = {
    HOME: home,
    PATH: [bin, dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
    ...program.settle(home, { url: model.url, key: KEY }),
  };
  const run = async (words: readonly string[], more: { input?: string; env?: Record<string, string> } = {}) => {
    const [command = "", ...args] = words;
    const child = spawn(command, args, { cwd: workspace, env: { ...env, ...more.env }, timeout: RUN_MS });
    child.stdin.end(more.input);
    const [[code], out, err] = await Promise.all([once(child, "exit"), text(child.stdout), text(child.stderr)]);
    return { code, out, err } as Ran;
  };
  const ours = (...args: string[]) =>
    run([process.execPath, join(packageFolder, "bin/agent-dispatch.js"), ...args, "--state-dir", state]);
  const theirs = (args: readonly string[], more?: Parameters<typeof run>[1]) =>
    run([join(bin, program.program), ...args], more);
  // The bridge has started a system, which nobody needs any more.
  onTestFinished(async () => void (await ours("local", "stop")));
  return { model, ours, theirs };
}

describe.each(assistants)("$program.framework", (assistant) => {
  const { program, run, list, first = [] } = assistant;

  test("told of us by init in a new home, has our tools and takes a task to its result", async () => {
    const { model, ours, theirs } = await openHome(assistant);
    const registered = await ours("init", "--client", program.framework);
    expect(registered, registered.err).toMatchObject({ code: 0 });

    const listed = await theirs(list.args, { env: run.env ?? {} });
    expect(stripVTControlCharacters(listed.out + listed.err)).toMatch(list.says);

    const prompt = scripted(
      "Have the agent greet, and tell me what it says.",
      ...first,
      { tool: "spawn_cloud_agent", input: { instruction: "Good day to you", framework: "echo" } },
      { tool: "wait_for_task", input: { task_id: "{}" }, reading: ID },
      { tool: "get_task_result", input: { task_id: "{}" }, reading: ID },
      { say: "It said what it was told." },
    );
    const ran = await theirs(run.args, { input: prompt, ...(run.env && { env: run.env }) });
    expect(ran, `${ran.out}\n${ran.err}`).toMatchObject({
      code: 0,
      out: expect.stringContaining("It said what it was told."),
    });

    const bodies = model.requests.map(({ body }) => body);
    const offered = toolsIn([
      bodies,
      ran.out
        .split("\n")
        .filter(isJson)
        .map((line) => JSON.parse(line)),
    ]);
    // Those of the toolset core
    for (const tool of Object.keys(toolSchemas).filter((name) => name !== "a2a_send"))
      expect(offered, tool).toMatch(new RegExp(`[":_]${tool}"`));

    // What the model was told at last, and what the store has.
    const told = JSON.stringify(bodies.at(-1));
    expect(told).toMatch(/## Task\\+n\\+nGood day to you/);
    const [id = ""] = new RegExp(ID).exec(told) ?? [];
    const { items } = JSON.parse((await ours("list", "--json")).out);
    expect(items).toMatchObject([{ id, status: "succeeded" }]);
    const result = JSON.parse((await ours("result", id, "--json")).out);
    expect(result).toMatchObject({ status: "succeeded", result: { output: "## Task\n\nGood day to you" } });

    const doctor = JSON.parse((await ours("doctor", "--json")).out);
    expect(doctor.assistants).toContainEqual(expect.objectContaining({ name: program.framework, status: "pass" }));
    expect((await ours("init", "--remove")).code).toBe(0);
  });
});
