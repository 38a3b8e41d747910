import type { JsonObject } from "../../../contract/json.ts";
import type { ToolArguments, ToolName, ToolResult } from "../../../contract/tools/index.ts";
import type { Context } from "../context.ts";
import { type Io, write } from "../io.ts";
import { openForRun, type Place } from "../local-system.ts";
import { oneLine, paint, printJson, table } from "../print.ts";
import { hintInTerms } from "../terms.ts";

type Options = Place & { json?: boolean };

/** Asks the system that runs, or one that is started for this question. */
async function ask<Name extends ToolName>(
  context: Context,
  place: Place,
  tool: Name,
  args: ToolArguments<Name>,
): Promise<ToolResult<Name>> {
  const system = openForRun(context, place, () => {});
  return await system.endpoint.call(tool, args).finally(() => system.close());
}

/** `agent-dispatch check [runtime]`: whether it could run, without starting anything. Exits 1 if it could not. */
export async function check(context: Context, runtime: string | undefined, options: Options): Promise<number> {
  const { io } = context;
  const reply = await ask(context, options, "check_cloud_agent_runtime", { ...(runtime !== undefined && { runtime }) });
  if (options.json) await printJson(io, reply);
  else {
    const rows = reply.checks.map(({ name, status, message }) => [
      sign(io, status),
      oneLine(name.replaceAll("_", " ")),
      oneLine(hintInTerms(message, options), 2000),
    ]);
    const verdict = reply.ok ? "can run" : "cannot run";
    const what = oneLine(reply.runtime ?? runtime ?? "the default runtime");
    await write(io.stdout, `${what} ${verdict}\n${table(rows)}`);
  }
  return reply.ok ? 0 : 1;
}

function sign(io: Io, status: ToolResult<"check_cloud_agent_runtime">["checks"][number]["status"]): string {
  if (status === "pass") return paint(io.stdout, "green", "✔");
  return status === "warn" ? paint(io.stdout, "yellow", "!") : paint(io.stdout, "red", "✖");
}

/** `agent-dispatch accounts`: the accounts of the configuration, without their secrets. */
export const accounts = (context: Context, options: Options): Promise<number> =>
  list(context, options, "list_account_profiles", ["name", "provider", "region", "credentialSource"]);

/** `agent-dispatch capabilities`: what the adapters that are here can serve. */
export const capabilities = (context: Context, options: Options): Promise<number> =>
  list(context, options, "list_capabilities", ["adapter", "provider", "taskTypes", "targetModes", "protocols"]);

async function list(
  context: Context,
  options: Options,
  tool: "list_account_profiles" | "list_capabilities",
  fields: readonly string[],
): Promise<number> {
  const { io } = context;
  const reply = await ask(context, options, tool, {});
  if (options.json) return await printJson(io, reply).then(() => 0);
  const head = fields.map((name) =>
    paint(
      io.stdout,
      "dim",
      name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
    ),
  );
  const rows = reply.items.map((item: JsonObject) => fields.map((name) => cell(item[name])));
  await write(io.stdout, table([head, ...rows]));
  return 0;
}

const cell = (value: unknown): string => oneLine(Array.isArray(value) ? value.join(", ") : String(value ?? ""));
