import { InvalidInputError } from "../../../contract/errors.ts";
import { commandName } from "../command-name.ts";
import type { Context } from "../context.ts";
import { harmless } from "../harmless.ts";
import { write } from "../io.ts";
import { printJson } from "../print.ts";
import { placeWords } from "../systems/place.ts";
import { atTask, type TaskOptions } from "./with-task.ts";

type SendOptions = TaskOptions & { text?: string; timeout?: number };

/** `agent-dispatch a2a-send <id> --text <text>`, or the text behind the id. */
export function send(
  context: Context,
  id: string,
  positional: string | undefined,
  { timeout, text, ...options }: SendOptions,
): Promise<number> {
  const message = text ?? positional;
  if (message === undefined || (text !== undefined && positional !== undefined))
    throw new InvalidInputError([{ path: "--text", message: message ? "say it once" : "say something" }]);
  return atTask(context, options, id, async (task) => {
    const { io } = context;
    const reply = await task.send(message, { ...(timeout !== undefined && { timeoutMs: timeout * 1000 }) });
    const said = reply.error?.message ?? reply.question ?? reply.reply;
    const later = `${commandName()} logs ${task.id}${placeWords(options)} --follow`;
    if (options.json) await printJson(io, reply);
    else if (said !== undefined) await write(io.stdout, harmless(io.stdout, `${said}\n`));
    else await write(io.stderr, `no answer yet; it comes in: ${later}\n`);
    return reply.error ? 1 : 0;
  });
}
