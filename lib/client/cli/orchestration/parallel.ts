import { readFile } from "node:fs/promises";
import * as consumers from "node:stream/consumers";
import { InvalidInputError } from "../../../contract/errors.ts";
import { defined, isObject, type JsonObject } from "../../../contract/json.ts";
import { factsOf } from "../../../contract/orchestration/facts.ts";
import { perform } from "../commands/run.ts";
import type { Context } from "../context.ts";
import { orchestrationCall, type WholeOptions } from "./orchestration-call.ts";

type Options = WholeOptions & { maxParallel?: number; failFast?: boolean; aggregate?: string };

/** `agent-dispatch parallel <file>` */
export async function parallel(context: Context, file: string, options: Options): Promise<number> {
  const text = file === "-" ? await consumers.text(context.io.stdin) : await read(file);
  const { maxParallel: max_parallel, failFast: fail_fast, aggregate } = options;
  const input = { ...specificationOf(text, file), ...defined({ max_parallel, fail_fast, aggregate }) };
  return perform(
    context,
    options,
    orchestrationCall("parallel.run", { input, agent: agentOf(input.items[0]) }, options, context.io.env),
  );
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new InvalidInputError([{ path: "file", message: `${file} cannot be read` }], { cause });
  }
}

/** A list of items, or an object with them. Throws InvalidInputError for anything else. */
function specificationOf(text: string, file: string): JsonObject & { items: unknown[] } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidInputError([{ path: "file", message: `${file} is no JSON` }], { cause });
  }
  const { items, ...rest } = Array.isArray(value) ? { items: value as unknown[] } : isObject(value) ? value : {};
  if (!Array.isArray(items))
    throw new InvalidInputError([{ path: "file", message: `${file} has no list of {agent, task}` }]);
  const both = [...items.keys()].filter((at) => hasBoth(items[at]));
  if (both.length > 0) {
    const message = "is another name for instruction, which is given too";
    throw new InvalidInputError(both.map((at) => ({ path: `items.${at}.task`, message })));
  }
  return { ...rest, items: items.map(itemOf) };
}

const hasBoth = (item: unknown): boolean => isObject(item) && item.task !== undefined && item.instruction !== undefined;

/** An item is a call of an agent; its instruction may be called its task, and its context be a text. */
const itemOf = (item: unknown): unknown => {
  if (!isObject(item)) return item;
  const { task, context, ...rest } = item;
  return defined({ ...rest, instruction: rest.instruction ?? task, context: factsOf(context) });
};

function agentOf(item: unknown): string | undefined {
  const name = isObject(item) ? (item.runtime ?? item.agent) : undefined;
  return typeof name === "string" ? name : undefined;
}
