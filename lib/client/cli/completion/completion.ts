import type { Command } from "commander";
import { commandName } from "../command-name.ts";
import type { Context } from "../context.ts";
import { write } from "../io.ts";
import { oneLine } from "../print.ts";
import { candidatesFor } from "./candidates.ts";
import { knownOf } from "./known.ts";
import { shells } from "./shells.ts";

/** `agent-dispatch completion <shell>`: the lines that let that shell complete what is typed, for it to read at its start. */
export async function printScript({ io }: Context, shell: keyof typeof shells): Promise<number> {
  await write(io.stdout, shells[shell](commandName()));
  return 0;
}

/**
 * `agent-dispatch complete -- <words…>`, which those lines call: what may stand in place of the last word, with a tab before
 * what it is, and at the end whether the names of files may stand there too.
 */
export async function complete(program: Command, context: Context, words: readonly string[]): Promise<number> {
  const { values, files } = await candidatesFor(program, words, knownOf(context));
  const lines = values.map(({ value, description }) => `${value}\t${oneLine(description, 100)}\n`);
  await write(context.io.stdout, `${lines.join("")}${files ? ":files" : ":end"}\n`);
  return 0;
}
