/**
 * Shows the main job on this machine, through a real MCP client: `npm run demo`. With `--agent` a real agent works too, where
 * one is installed and logged in, with `--no-agent` none; without either a terminal is asked. With `--keep`, its state stays.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { perform, summary } from "../lib/client/cli/demo/perform.ts";
import { chooseAgent, MAX_BUDGET_USD, realAgentScene, type Wish } from "../lib/client/cli/demo/real-agent.ts";
import { scenes } from "../lib/client/cli/demo/scenes.ts";
import { Stage } from "../lib/client/cli/demo/stage.ts";
import { CANCELLED } from "../lib/client/cli/exit-code.ts";
import { onDeparture } from "../lib/client/cli/interrupt.ts";
import { write } from "../lib/client/cli/io.ts";
import { formatDuration, paint } from "../lib/client/cli/print.ts";
import { clientOfLocal } from "../lib/client/cli/systems/open-client.ts";
import type { ConfigurationInput } from "../lib/contract/configuration.ts";
import { environmentVariables } from "../lib/contract/execution-environment.ts";
import { endSessions } from "../lib/system/local/settling.ts";
import { startLocal } from "../lib/system/local.ts";

const { stdout, stderr, stdin, env } = process;
const io = { stdout, stderr, stdin, env };
const keep = process.argv.includes("--keep");
const wish: Wish = process.argv.includes("--agent") ? "yes" : process.argv.includes("--no-agent") ? "no" : undefined;
const repository = fileURLToPath(new URL("..", import.meta.url));
const reportAgent = fileURLToPath(new URL("../test/fixtures/report-agent.ts", import.meta.url));

const configuration = {
  accounts: { local: { provider: "local" } },
  backends: {
    repository: {
      adapter: "local-process",
      account: "local",
      details: {
        workspace: repository,
        environment: {
          [environmentVariables.frameworkCommands]: JSON.stringify({ report: [process.execPath, reportAgent] }),
        },
      },
    },
  },
  runtimes: {
    report: { backend: "repository", target: { mode: "session" }, framework: "report" },
    real: { backend: "repository", limits: { maxBudgetUsd: MAX_BUDGET_USD, timeoutSeconds: 300 } },
  },
  // Who looks for agents looks where the real one would be.
  defaults: { runtime: "real" },
} satisfies ConfigurationInput;

/** Everything the demonstration makes lies in a folder of its own, so that it disturbs no state of the user's. */
const home = await mkdtemp(join(tmpdir(), "agent-dispatch-demo-"));
const folder = join(home, "state");
await mkdir(folder);
const configFile = join(folder, "agentdispatch.config.json");
await writeFile(configFile, JSON.stringify(configuration, null, 2));
const startedMs = performance.now();
const system = await startLocal({ configFile, stateDir: folder, port: 0 });
const client = clientOfLocal(system);
process.exitCode = 1;
const leaving = new AbortController();
const release = onDeparture(() => {
  leaving.abort();
  void client.close();
});
try {
  const [capability] = await client.capabilities({ provider: "local" });
  const choice = await chooseAgent(io, capability?.frameworks ?? [], { wish, signal: leaving.signal });
  const readArtifact = (uri: string) => readFile(fileURLToPath(uri), "utf8");
  const played = [
    ...scenes({ folder, runtime: "report", readArtifact }),
    ...("framework" in choice ? [realAgentScene(choice, "real")] : []),
  ];
  await write(
    stdout,
    `${paint(stdout, "bold", "AgentDispatch")}: ${played.length} tasks on this machine, through MCP at ${system.url}\n`,
  );
  const { shown, wrong } = await perform(new Stage(io, client), played);
  const ok = wrong.length === 0;
  if (ok && !keep) for (const result of shown) await moveOut(result);
  await write(stdout, `\n${summary(io, shown)}\n`);
  for (const text of wrong) await write(stdout, `${paint(stdout, "red", "✖")} ${text}\n`);
  if ("notShown" in choice) await write(stdout, `${choice.notShown}\n`);
  if (ok) {
    const took = formatDuration(performance.now() - startedMs);
    await write(stdout, `${paint(stdout, "green", "✔")} all of it was as it should be, in ${took}\n`);
    process.exitCode = 0;
  }
} catch (error) {
  if (!leaving.signal.aborted) throw error;
  process.exitCode = CANCELLED;
} finally {
  await client.close();
  const open = await system.ports.store.listDue(Number.MAX_SAFE_INTEGER, 100);
  await Promise.all(open.map((id) => endSessions(system.ports, id)));
  await system.close();
  release();
  if (process.exitCode === 0 && !keep) await rm(folder, { recursive: true, force: true });
  else await write(stdout, `The state is in ${folder}\n`);
}
// Everything is written and closed; a timer that a library still holds must not keep anybody waiting.
process.exit();

/** The state goes away; what a person may want to look at stays. */
async function moveOut(result: { where?: string }): Promise<void> {
  if (!result.where) return;
  const kept = join(home, basename(fileURLToPath(result.where)));
  await copyFile(fileURLToPath(result.where), kept);
  result.where = kept;
}
