import { defined } from "../../../contract/json.ts";
import { perform } from "../commands/run.ts";
import type { Context } from "../context.ts";
import { orchestrationCall, type WholeOptions } from "./orchestration-call.ts";

type Talk = { requester: string; responder: string; topic: string };
type Options = WholeOptions & { maxRounds?: number; goal?: string };

/** `agent-dispatch dialogue <requester> <responder> <topic>` */
export async function dialogue(context: Context, talk: Talk, options: Options): Promise<number> {
  const { maxRounds: max_rounds, goal } = options;
  const input = { ...talk, ...defined({ max_rounds, goal }) };
  return perform(
    context,
    options,
    orchestrationCall("dialogue.run", { input, agent: talk.responder }, options, context.io.env),
  );
}
