import manifest from "../../../../package.json" with { type: "json" };
import { type Problem, toProblem } from "../../../contract/errors.ts";
import type { ToolResult } from "../../../contract/tools/index.ts";
import type { Machine } from "../assistants/assistant.ts";
import { examineAssistants, type Standing } from "../assistants/examine.ts";
import { type Capability, checkText, frameworksText, sign } from "../check-text.ts";
import type { Context } from "../context.ts";
import { foundAssistants } from "../init/choose.ts";
import { type Io, write } from "../io.ts";
import { oneLine, paint, printJson, table } from "../print.ts";
import { openForRun, type RunSystem } from "../systems/open-client.ts";
import type { Place } from "../systems/place.ts";
import { hintInTerms, inTerms } from "../terms.ts";

type Options = Place & { json?: boolean };

/** What can be told of a system; `error` is why the runtime profile could not be checked. */
type Findings = { capabilities: Capability[]; check?: ToolResult<"check_cloud_agent_runtime">; error?: Problem };

/**
 * `agent-dispatch doctor [profile]`: what there is on this machine, which agent programs are installed and logged in, whether
 * that profile, or a run that names none, could run, and how the assistants stand to us. It runs no task and asks no model.
 * Exits 1 where a run could not, or an assistant is told what cannot be.
 */
export async function doctor(context: Context, profile: string | undefined, options: Options): Promise<number> {
  const { io, local } = context;
  const found = await local.find(options);
  const stateDir = await local.stateDir(options);
  const system = openForRun(context, options, () => {});
  const findings = await examine(system, profile).finally(() => system.close());
  const assistants = await standings(context, stateDir, found?.url);
  const ok = (findings.check?.ok ?? false) && assistants.every(({ status }) => status !== "fail");
  if (options.json) {
    const { version } = manifest;
    const running = found && { url: found.url, pid: found.pid };
    await printJson(io, {
      ok,
      version,
      node: process.versions.node,
      stateDir,
      ...(running && { running }),
      ...findings,
      assistants,
    });
    return ok ? 0 : 1;
  }
  const about = [
    ["agent-dispatch", `${manifest.version}, on Node ${process.versions.node}`],
    ["state", oneLine(stateDir)],
    ["system", found ? `runs at ${oneLine(found.url)}` : "does not run; each command starts one for itself"],
  ];
  const frameworks = findings.capabilities.map((capability) => frameworksText(io, capability));
  await write(
    io.stdout,
    `${table(about)}${frameworks.join("")}\n${verdict(io, findings, options)}${assistantsText(io, assistants, options)}`,
  );
  return ok ? 0 : 1;
}

/** Both are asked for, whatever is answered to one. */
async function examine({ client }: RunSystem, runtime: string | undefined): Promise<Findings> {
  const capabilities = await client.capabilities();
  try {
    return { capabilities, check: await client.check({ ...(runtime !== undefined && { runtime }) }) };
  } catch (error) {
    return { capabilities, error: toProblem(error) };
  }
}

/** How the assistants stand to the system on that state. */
function standings({ io, local }: Context, stateDir: string, url: string | undefined): Promise<Standing[]> {
  const machine: Machine = { env: io.env, platform: process.platform };
  return examineAssistants(machine, foundAssistants(machine), {
    system: stateDir,
    url,
    systemOf: async ({ endpoint, stack, config, stateDir: state }) =>
      endpoint ??
      (stack === undefined
        ? await local.stateDir({ ...(config && { config }), ...(state && { stateDir: state }) })
        : `stack ${stack}`),
  });
}

function verdict(io: Io, { check, error }: Findings, place: Place): string {
  if (check) return checkText(io, check, place);
  if (!error) return "";
  const { message, hint } = inTerms(error, place);
  return `${sign(io, "fail")} ${oneLine(message)}${hint === undefined ? "" : `: ${oneLine(hint)}`}\n`;
}

function assistantsText(io: Io, assistants: readonly Standing[], place: Place): string {
  if (assistants.length === 0) return "";
  const rows = assistants.map(({ title, status, message, fix }) => [
    sign(io, status),
    title,
    oneLine(fix === undefined ? message : `${message}; ${hintInTerms(fix, place)}`, 2000),
  ]);
  return `\n${paint(io.stdout, "bold", "assistants")}\n${table(rows)}`;
}
