import manifest from "../../../../package.json" with { type: "json" };
import { type Problem, toProblem } from "../../../contract/errors.ts";
import type { ToolResult } from "../../../contract/tools/index.ts";
import type { Target } from "../../http/door.ts";
import type { Client } from "../../sdk/client.ts";
import type { Machine } from "../assistants/assistant.ts";
import { examineAssistants, type Standing } from "../assistants/examine.ts";
import { type Capability, checkText, frameworksText, sign } from "../check-text.ts";
import type { Context } from "../context.ts";
import { type Finding, findingOfRunning, findingsElsewhere, nodeFinding } from "../doctor/way.ts";
import { foundAssistants } from "../init/choose.ts";
import { type Io, write } from "../io.ts";
import { oneLine, paint, printJson, table } from "../print.ts";
import { openForRun } from "../systems/open-client.ts";
import { type Place, targetOfPlace } from "../systems/place.ts";
import { hintInTerms, inTerms } from "../terms.ts";

type Options = Place & { json?: boolean };

/** What can be told of a system; `error` is why the runtime profile could not be checked. */
type Findings = {
  capabilities: Capability[];
  check?: ToolResult<"check_cloud_agent_runtime">;
  error?: Problem;
  accounts: Finding[];
};

const nothing: Findings = { capabilities: [], accounts: [] };

/** Which system it is: on this machine, whether it runs and where its state is, or how it is named elsewhere. */
type System = { stateDir?: string; running?: { url: string; pid: number }; endpoint?: string; stack?: string };

/**
 * `agent-dispatch doctor [profile]`: the way to the system, what it has, whether that profile, or a run that names none, could
 * run, and how the assistants of this machine stand to it. It runs no task and asks no model. Exits 1 where something of it
 * cannot work.
 */
export async function doctor(context: Context, profile: string | undefined, options: Options): Promise<number> {
  const { io } = context;
  const target = targetOfPlace(options, io.env);
  const { system, way } = await lookAt(context, target);
  const isOpen = way.every(({ name, status }) => name !== "endpoint" || status !== "fail");
  const { accounts, ...findings } = isOpen ? await examine(context, options, profile) : nothing;
  const checks = inTermsOf([nodeFinding(), ...way, ...accounts], options);
  const assistants = inTermsOf(await standings(context, system), options);
  const ok = (findings.check?.ok ?? false) && [...checks, ...assistants].every(({ status }) => status !== "fail");
  if (options.json) {
    const { version } = manifest;
    await printJson(io, { ok, version, node: process.versions.node, ...system, checks, ...findings, assistants });
    return ok ? 0 : 1;
  }
  const frameworks = findings.capabilities.map((capability) => frameworksText(io, capability)).join("");
  const parts = [
    `${aboutText(system)}${findingsText(io, checks)}${frameworks}`,
    verdict(io, findings, options),
    assistantsText(io, assistants),
  ];
  await write(io.stdout, parts.filter((part) => part !== "").join("\n"));
  return ok ? 0 : 1;
}

/** What is on the way to the system. */
async function lookAt({ io, local }: Context, target: Target): Promise<{ system: System; way: Finding[] }> {
  if (!("local" in target)) {
    const way = await findingsElsewhere(target, io.env);
    return { system: "endpoint" in target ? { endpoint: target.endpoint } : { stack: target.stack }, way };
  }
  const found = await local.find(target.local);
  const stateDir = await local.stateDir(target.local);
  if (!found) return { system: { stateDir }, way: [] };
  return { system: { stateDir, running: { url: found.url, pid: found.pid } }, way: [await findingOfRunning(found)] };
}

/** Both are asked for, whatever is answered to one. */
async function examine(context: Context, place: Place, runtime: string | undefined): Promise<Findings> {
  const system = openForRun(context, place, () => {});
  const { client } = system;
  try {
    const capabilities = await client.capabilities();
    const found = await checked(client, runtime);
    return { capabilities, ...found, accounts: await otherAccounts(client, found.check?.account_profile) };
  } finally {
    await system.close();
  }
}

async function checked(client: Client, runtime: string | undefined): Promise<Pick<Findings, "check" | "error">> {
  try {
    return { check: await client.check({ ...(runtime !== undefined && { runtime }) }) };
  } catch (error) {
    return { error: toProblem(error) };
  }
}

/** Whose the credentials of the accounts on AWS are that the check of the profile has not looked at. */
async function otherAccounts(client: Client, looked: string | undefined): Promise<Finding[]> {
  const accounts = await client.accounts();
  const others = accounts.filter(({ name, provider }) => provider === "aws" && name !== looked);
  const findings = others.map(async ({ name }): Promise<Finding[]> => {
    // An account that no backend uses cannot be looked at, and runs nothing.
    const reply = await client.check({ provider: "aws", account_profile: name }).catch(() => undefined);
    const about = reply?.checks.filter((check) => check.name === "credentials") ?? [];
    return about.map(({ status, message }) => ({ name: `account ${name}`, status, message }));
  });
  return (await Promise.all(findings)).flat();
}

/** How the assistants stand to the system. */
function standings({ io, local }: Context, { stateDir, endpoint, stack, running }: System): Promise<Standing[]> {
  const machine: Machine = { env: io.env, platform: process.platform };
  const named = (address: string | undefined, name: string | undefined) => address ?? (name && `the stack ${name}`);
  return examineAssistants(machine, foundAssistants(machine), {
    system: named(endpoint, stack) ?? stateDir ?? "",
    url: running?.url,
    systemOf: async (registered) =>
      named(registered.endpoint, registered.stack) ??
      (await local.stateDir({
        ...(registered.config && { config: registered.config }),
        ...(registered.stateDir && { stateDir: registered.stateDir }),
      })),
  });
}

function aboutText({ stateDir, running, endpoint, stack }: System): string {
  const here = running ? `runs at ${oneLine(running.url)}` : "does not run; each command starts one for itself";
  return table([
    ["agent-dispatch", `${manifest.version}, on Node ${process.versions.node}`],
    ...(stateDir === undefined ? [] : [["state", oneLine(stateDir)]]),
    ["system", stateDir === undefined ? oneLine(endpoint ?? `the stack ${stack}`) : here],
  ]);
}

/** The same with fixes that may be typed here, for the system that is looked at. */
const inTermsOf = <Looked extends { fix?: string }>(all: readonly Looked[], place: Place): Looked[] =>
  all.map(({ fix, ...rest }) => ({ ...rest, ...(fix !== undefined && { fix: hintInTerms(fix, place) }) }) as Looked);

const findingsText = (io: Io, findings: readonly Finding[]): string =>
  `\n${table(findings.map(({ name, status, message, fix }) => [sign(io, status), name, withFix(message, fix)]))}`;

const withFix = (message: string, fix: string | undefined): string =>
  oneLine(fix === undefined ? message : `${message}; ${fix}`, 2000);

function verdict(io: Io, { check, error }: Pick<Findings, "check" | "error">, place: Place): string {
  if (check) return checkText(io, check, place);
  if (!error) return "";
  const { message, hint } = inTerms(error, place);
  return `${sign(io, "fail")} ${oneLine(message)}${hint === undefined ? "" : `: ${oneLine(hint)}`}\n`;
}

function assistantsText(io: Io, assistants: readonly Standing[]): string {
  if (assistants.length === 0) return "";
  const rows = assistants.map(({ title, status, message, fix }) => [sign(io, status), title, withFix(message, fix)]);
  return `${paint(io.stdout, "bold", "assistants")}\n${table(rows)}`;
}
