/** Servers on standard input and output, as assistants start them: each of its own assistant, all on one state. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "../../../lib/contract/task.ts";
import { cleanEnv, cli } from "../../client/cli/cli.ts";
import { shareCompiledCode } from "../../fixtures/compile-cache.ts";
import { type AtEnd, connectStdio } from "../../mcp/clients.ts";
import { fixture } from "../../worker/start-worker.ts";
import { temporaryFolder } from "../system.ts";

const clone = join(import.meta.dirname, "../../..");

/** A place for servers, with the agents `a1` and `a2`, whose tasks are their scripts, one at a time. */
export function place(atEnd: AtEnd) {
  const folder = temporaryFolder(atEnd);
  shareCompiledCode(folder);
  const config = join(folder, "config.json");
  const environment = {
    AGENTDISPATCH_FRAMEWORK_COMMAND_SCRIPTED: `${process.execPath} ${fixture("scripted-agent.mjs")}`,
  };
  const workspace = join(folder, "project");
  mkdirSync(workspace);
  const agent = { backend: "local", framework: "scripted", workspace, description: "Does what it is told." };
  const configuration = {
    accounts: { local: { provider: "local", credentialSource: "none" } },
    backends: { local: { adapter: "local-process", account: "local", details: { environment } } },
    runtimes: { a1: agent, a2: agent },
    defaults: { limits: { maxRunning: 1 } },
    cache: { ttlSeconds: 300 },
  };
  const configure = (more: Json = {}) => writeFileSync(config, JSON.stringify({ ...configuration, ...more }));
  configure();
  const where = ["--config", config, "--state-dir", join(folder, "state")];
  const env = { ...cleanEnv(), HOME: folder } as Record<string, string>;
  const words = (program: string, command: string[]) => [join(program, "bin/agent-dispatch.js"), ...command, ...where];
  const run = (command: string[], program = clone) => {
    const [entry = "", ...args] = words(program, command);
    return cli(args, { env, entry });
  };
  atEnd(async () => void (await run(["local", "stop"])));
  return {
    folder,
    agent,
    configure,
    /** Runs a command of that program, by default this clone's. */
    run,
    /** Starts a server of it; `close` ends it as an assistant does. */
    async serve(program = clone) {
      let close: () => void | Promise<void> = () => {};
      const started = { command: process.execPath, args: words(program, ["serve"]), env };
      const client = await connectStdio(started, "2025-11-25", (end) => {
        close = end;
        atEnd(end);
      });
      const call = async (tool: string, args: Json = {}) => (await client.call(tool, args)).text as Json;
      return { call, close: () => close() };
    },
    file: (name: string) => join(folder, name),
    release: (name: string) => writeFileSync(join(folder, name), ""),
  };
}
