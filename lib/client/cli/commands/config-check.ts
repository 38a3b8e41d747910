import { type LoadedConfiguration, loadConfiguration } from "../../../config/config-file.ts";
import { ConfigurationError } from "../../../config/locate.ts";
import { warmCosts } from "../../../contract/costs/warm.ts";
import { describeIssue, type Issue } from "../../../contract/errors.ts";
import { adapters } from "../adapters.ts";
import { sign } from "../check-text.ts";
import type { Context } from "../context.ts";
import { type Io, write } from "../io.ts";
import { oneLine, paint, printJson, table } from "../print.ts";
import { onThisMachine, type Place } from "../systems/place.ts";

/** `agent-dispatch config check`: what a configuration means, or every mistake in it. Exits 1 where there is one. */
export async function checkConfig({ io }: Pick<Context, "io">, options: Place & { json?: boolean }): Promise<number> {
  const { config, stateDir } = onThisMachine(options, "config check, which is about a file of this machine");
  const { json } = options;
  const place = {
    cwd: process.cwd(),
    env: io.env,
    ownFile: true,
    ...(config !== undefined && { configFile: config }),
    ...(stateDir !== undefined && { stateDir }),
  };
  try {
    const loaded = loadConfiguration({ ...place, adapters });
    if (json) await printJson(io, { ok: true, ...meaning(loaded) });
    else await write(io.stdout, meaningText(io, loaded));
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const { file, issues } = error.details as { file: string; issues: Issue[] };
    if (json) await printJson(io, { ok: false, file, issues });
    else await write(io.stdout, mistakesText(io, file, issues));
    return 1;
  }
}

const meaning = ({ configuration, file, stateDir }: LoadedConfiguration) => ({
  ...(file !== undefined && { file }),
  stateDir,
  accounts: configuration.accounts,
  runtimes: Object.fromEntries(
    Object.entries(configuration.runtimes).map(([name, { backend, target, protocol, framework, workspace, warm }]) => {
      const { adapter, account } = configuration.backends[backend] ?? {};
      return [name, { backend, adapter, account, mode: target.mode, protocol, framework, workspace, warm }];
    }),
  ),
  defaults: configuration.defaults,
  retentionDays: configuration.retentionDays,
  costs: warmCosts(configuration),
});

function meaningText(io: Io, loaded: LoadedConfiguration): string {
  const { file, stateDir, accounts, runtimes, defaults, costs } = meaning(loaded);
  const title = (text: string) => `\n${paint(io.stdout, "bold", text)}\n`;
  const about = [
    [sign(io, "pass"), file === undefined ? "no file: what is there without one" : oneLine(file, 4096)],
    ["", `state in ${oneLine(stateDir, 4096)}`],
  ];
  const accountRows = Object.entries(accounts).map(([name, { provider, region, credentialSource }]) => [
    `  ${oneLine(name)}`,
    oneLine([provider, region, provider === "local" ? undefined : credentialSource].filter(Boolean).join(", ")),
  ]);
  const runtimeRows = Object.entries(runtimes).map(
    ([name, { adapter, account, mode, protocol, framework, workspace }]) => [
      `  ${oneLine(name)}`,
      oneLine(
        [`${adapter} with account ${account}`, mode, protocol, framework, workspace].filter(Boolean).join(", "),
        2000,
      ),
      name === defaults.runtime ? "← used unless another is named" : "",
    ],
  );
  const costText = costs.length > 0 ? `${title("what is paid for")}${table(costs.map((line) => ["", line]))}` : "";
  return `${table(about)}${title("accounts")}${table(accountRows)}${title("runtime profiles")}${table(runtimeRows)}${costText}`;
}

function mistakesText(io: Io, file: string, issues: readonly Issue[]): string {
  const many = issues.length === 1 ? "1 mistake" : `${issues.length} mistakes`;
  const lines = issues.map((issue) => `  ${oneLine(describeIssue(issue), 2000)}\n`).join("");
  return `${sign(io, "fail")} ${oneLine(file, 4096)} cannot be used: ${many}\n${lines}`;
}
