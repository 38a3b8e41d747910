import type { JobContext } from "../../runner.ts";
import type { AgentProgram, AgentRun } from "./program.ts";

/**
 * Runs a turn of a program as one of its conversation: with the session of the last turn to go on with, where there is one,
 * and with its own kept for the next, however it ends. Throws RefusedError `worker.conversation_lost`, and what `turn` throws.
 */
export async function inConversation<T>(
  program: AgentProgram,
  run: AgentRun,
  { conversation }: JobContext,
  turn: (run: AgentRun) => Promise<T>,
): Promise<T> {
  if (!conversation) return turn(run);
  const { name } = program;
  const home = run.env.HOME;
  const filesOf = (session: string) => program.sessionFiles(run, session);
  const has = async (session: string) => (await filesOf(session)).length > 0;
  const resume = await conversation.resume(name, { has, restore: (...kept) => program.restore(run, ...kept) }, home);
  try {
    return await turn(resume === undefined ? run : { ...run, resume });
  } finally {
    const { session } = conversation;
    if (session?.framework === name) await conversation.keep(name, session.id, await filesOf(session.id), home);
  }
}
