import { readFile } from "node:fs/promises";
import { text as textOf } from "node:stream/consumers";
import { codeOf, InvalidInputError } from "../../../contract/errors.ts";
import { type JsonObject, parseJsonObject } from "../../../contract/json.ts";
import type { Context } from "../context.ts";
import { harmless } from "../harmless.ts";
import { type Io, write } from "../io.ts";
import { printJson } from "../print.ts";
import { hintInTerms } from "../terms.ts";
import { questionOf } from "./question.ts";
import { atTask, type TaskOptions } from "./with-task.ts";

type InputOptions = TaskOptions & { answer?: Record<string, string>; answers?: string; message?: string };

/** `agent-dispatch send-task-input <id>`, with `--answer key=value …`, `--answers <file>` or `--message <text>`. */
export async function sendTaskInput(context: Context, id: string, options: InputOptions): Promise<number> {
  const { io } = context;
  const { answer, answers, message, ...place } = options;
  if ([answer, answers, message].filter((each) => each !== undefined).length !== 1)
    throw new InvalidInputError([{ path: "--answer", message: "give --answer, --answers or --message, one of them" }]);
  const responses = answers === undefined ? readAnswers(answer) : await answersIn(io, answers);
  return atTask(context, place, id, async (task) => {
    const receipt = await (message === undefined ? task.answer(responses) : task.steer(message));
    if (options.json) await printJson(io, receipt);
    else if (receipt.delivered) await write(io.stdout, `delivered${receipt.reason ? `: ${receipt.reason}` : ""}\n`);
    else {
      const hint = receipt.hint && hintInTerms(receipt.hint, place, task.id);
      await write(
        io.stderr,
        harmless(io.stderr, `not delivered: ${receipt.reason ?? "it is not said why"}; ${hint}\n`),
      );
    }
    if (receipt.inputRequests && !options.json) {
      const { question, command } = questionOf({ id: task.id, inputRequests: receipt.inputRequests }, place, 300);
      await write(io.stderr, harmless(io.stderr, `still asked: ${question}; answer with: ${command}\n`));
    }
    return receipt.received ? 0 : 1;
  });
}

/** A value that is JSON of an object or a list is that. */
const readAnswers = (given: Readonly<Record<string, string>> = {}): JsonObject =>
  Object.fromEntries(Object.entries(given).map(([key, text]) => [key, parseJsonObject(text) ?? text]));

async function answersIn(io: Io, file: string): Promise<JsonObject> {
  const text = await (file === "-" ? textOf(io.stdin) : readFile(file, "utf8")).catch((error) => {
    throw new InvalidInputError([{ path: "--answers", message: `the file cannot be read: ${codeOf(error) ?? "?"}` }]);
  });
  const answers = parseJsonObject(text);
  if (answers) return answers;
  throw new InvalidInputError([{ path: "--answers", message: 'must hold a JSON object: {"key": answer, …}' }]);
}
