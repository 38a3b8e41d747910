import manifest from "../../../../package.json" with { type: "json" };
import { type Problem, toProblem } from "../../../contract/errors.ts";
import type { ToolResult } from "../../../contract/tools/index.ts";
import { type Capability, checkText, frameworksText, sign } from "../check-text.ts";
import type { Context } from "../context.ts";
import { type Io, write } from "../io.ts";
import { openForRun, type Place, type RunSystem } from "../local-system.ts";
import { oneLine, printJson, table } from "../print.ts";
import { inTerms } from "../terms.ts";

type Options = Place & { json?: boolean };

/** What can be told of a system; `error` is why its default runtime profile could not be checked. */
type Findings = { capabilities: Capability[]; check?: ToolResult<"check_cloud_agent_runtime">; error?: Problem };

/**
 * `agent-dispatch doctor`: what there is on this machine, which agent programs are installed and logged in, and whether a run
 * that names nothing could run. It runs no task and asks no model. Exits 1 where a run could not.
 */
export async function doctor(context: Context, options: Options): Promise<number> {
  const { io, local } = context;
  const found = await local.find(options);
  const stateDir = await local.stateDir(options);
  const system = openForRun(context, options, () => {});
  const findings = await examine(system).finally(() => system.close());
  const ok = findings.check?.ok ?? false;
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
    });
    return ok ? 0 : 1;
  }
  const about = [
    ["agent-dispatch", `${manifest.version}, on Node ${process.versions.node}`],
    ["state", oneLine(stateDir)],
    ["system", found ? `runs at ${oneLine(found.url)}` : "does not run; each command starts one for itself"],
  ];
  const frameworks = findings.capabilities.map((capability) => frameworksText(io, capability));
  await write(io.stdout, `${table(about)}${frameworks.join("")}\n${verdict(io, findings, options)}`);
  return ok ? 0 : 1;
}

/** Both are asked for, whatever is answered to one. */
async function examine({ client }: RunSystem): Promise<Findings> {
  const { items: capabilities } = await client.call("list_capabilities", {});
  try {
    return { capabilities, check: await client.call("check_cloud_agent_runtime", {}) };
  } catch (error) {
    return { capabilities, error: toProblem(error) };
  }
}

function verdict(io: Io, { check, error }: Findings, place: Place): string {
  if (check) return checkText(io, check, place);
  if (!error) return "";
  const { message, hint } = inTerms(error, place);
  return `${sign(io, "fail")} ${oneLine(message)}${hint === undefined ? "" : `: ${oneLine(hint)}`}\n`;
}
