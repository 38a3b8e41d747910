import { isObject, type JsonObject } from "../../../contract/json.ts";
import { ask, asking } from "../ask.ts";
import { checkText, frameworksText } from "../check-text.ts";
import type { Context } from "../context.ts";
import { write } from "../io.ts";
import { oneLine, paint, printJson, table } from "../print.ts";
import type { Place } from "../systems/place.ts";

type Options = Place & { json?: boolean };

/** `agent-dispatch check [runtime]`: whether it could run, without starting anything. Exits 1 if it could not. */
export async function check(context: Context, runtime: string | undefined, options: Options): Promise<number> {
  const { io } = context;
  const reply = await ask(context, options, "check_cloud_agent_runtime", { ...(runtime !== undefined && { runtime }) });
  if (options.json) await printJson(io, reply);
  else await write(io.stdout, checkText(io, reply, options));
  return reply.ok ? 0 : 1;
}

/** `agent-dispatch accounts`: the accounts of the configuration, without their secrets. */
export async function accounts(context: Context, options: Options): Promise<number> {
  const reply = await ask(context, options, "list_account_profiles", {});
  return print(context, options, reply, ["name", "provider", "region", "credentialSource"]);
}

/** `agent-dispatch capabilities`: what the adapters that are here can serve, and the agent frameworks that they have. */
export async function capabilities(context: Context, options: Options): Promise<number> {
  const reply = await ask(context, options, "list_capabilities", {});
  const fields = ["adapter", "provider", "taskTypes", "targetModes", "protocols"];
  const frameworks = reply.items.map((item) => frameworksText(context.io, item)).join("");
  return print(context, options, reply, fields, frameworks);
}

/** `agent-dispatch runtimes`: the runtime profiles that a run may name. */
export function runtimes(context: Context, options: Options): Promise<number> {
  return asking(context, options, async (client) => {
    const items = await client.runtimes();
    return print(context, options, { items }, ["name", "provider", "protocol", "framework", "model"]);
  });
}

async function print(
  { io }: Context,
  options: Options,
  reply: { items: JsonObject[] },
  fields: readonly string[],
  more = "",
): Promise<number> {
  if (options.json) return await printJson(io, reply).then(() => 0);
  const head = fields.map((name) =>
    paint(
      io.stdout,
      "dim",
      name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
    ),
  );
  const rows = reply.items.map((item) => fields.map((name) => cell(item[name])));
  await write(io.stdout, table([head, ...rows]) + more);
  return 0;
}

function cell(value: unknown): string {
  if (isObject(value)) return oneLine(JSON.stringify(value));
  return oneLine(Array.isArray(value) ? value.join(", ") : String(value ?? ""));
}
