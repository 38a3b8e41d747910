import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { builtInFramework, programFrameworks } from "../../../contract/frameworks.ts";
import type { FrameworkState } from "../../../contract/tools/framework-state.ts";
import type { Io } from "../io.ts";
import { oneLine } from "../print.ts";
import { outputText } from "../task-text.ts";
import type { Scene } from "./scenes.ts";

/** What the agent is asked: something small, since each call of a model costs its person money. */
const INSTRUCTION = "Read README.md in this folder and say in one sentence what this project is for. Change nothing.";
/** What the agent's model may cost in the demonstration. */
export const MAX_BUDGET_USD = 0.5;

/** What a person said of it: `--agent`, `--no-agent`, or nothing. */
export type Wish = "yes" | "no" | undefined;

/** A real agent for the demonstration, or why none is shown, with what would be. */
export type Choice = { framework: string; title: string } | { notShown: string };

/**
 * Chooses the first agent program that is installed and logged in. To ask its model costs money: without a word of the person
 * that is done only if they say yes, on a terminal. Rejects with an AbortError once `signal` is aborted meanwhile.
 */
export async function chooseAgent(
  io: Io,
  frameworks: readonly FrameworkState[],
  { wish, signal }: { wish: Wish; signal: AbortSignal },
): Promise<Choice> {
  const programs = frameworks.filter(({ name }) => programFrameworks.some((known) => known === name));
  const ready = programs.find(({ status }) => status === "ready");
  if (!ready) return { notShown: `No real agent was shown, because none is ready here. ${helpOf(programs)} ${WOULD}` };
  const title = titleOf(ready);
  const what = `${title} is installed (${oneLine(ready.message)})`;
  const cost = `a call to its model on your account, of a few cents and $${MAX_BUDGET_USD.toFixed(2)} at most`;
  const question = `${what}. Shall it answer one question about this folder? That is ${cost}.`;
  const willing = wish ?? (await askOnTerminal(io, question, signal));
  if (willing === "yes") return { framework: ready.name, title };
  return { notShown: `${what}, and was not asked: that is ${cost}. With \`npm run demo -- --agent\`, it ${SHOWN}` };
}

const SHOWN = "reads this project's README, its steps shown live, and says in one sentence what the project is for.";
const WOULD = `With \`npm run demo -- --agent\`, it then ${SHOWN}`;

/** What makes one of them ready: to log in where one is installed, else to install the first. */
function helpOf(programs: readonly FrameworkState[]): string {
  const installed = programs.filter(({ status }) => status !== "not_installed");
  return (installed.length > 0 ? installed : programs.slice(0, 1))
    .map((state) => `${titleOf(state)}: ${oneLine([state.message, state.hint].filter(Boolean).join("; "))}.`)
    .join(" ");
}

const titleOf = ({ name }: FrameworkState): string => builtInFramework(name)?.title ?? name;

/** Without a terminal nobody can be asked. Rejects with an AbortError once `signal` is aborted. */
async function askOnTerminal({ stdin, stdout }: Io, question: string, signal: AbortSignal): Promise<Wish> {
  if (!("isTTY" in stdin && stdin.isTTY) || !stdout.isTTY) return undefined;
  // The terminal stays as it is, so that Ctrl-C is what it is everywhere.
  const lines = createInterface({ input: stdin, output: stdout, terminal: false });
  try {
    const left = once(lines, "close").then(() => "");
    const said = await Promise.race([lines.question(`${question} [y/N] `, { signal }), left]);
    return /^y(es)?$/i.test(said.trim()) ? "yes" : "no";
  } finally {
    lines.close();
  }
}

/** The scene in which that agent works, in the runtime profile of that name. */
export const realAgentScene = ({ framework, title }: { framework: string; title: string }, runtime: string): Scene => ({
  title: `A real agent, ${title}, that reads this project`,
  async act(stage) {
    const args = { instruction: INSTRUCTION, runtime, framework };
    const played = await stage.play({ tool: "spawn_cloud_agent", args });
    const { status, result, error } = played.outcome;
    const answer = outputText(result) ?? "";
    const { costUsd } = (played.record.usage ?? {}) as { costUsd?: number };
    await stage.say(oneLine(error?.message ?? answer, 300), "reset");
    if (error?.hint) await stage.say(oneLine(error.hint, 300));
    if (typeof costUsd === "number") await stage.say(`it cost $${costUsd.toFixed(3)}`);
    const wrong = [...(status === "succeeded" ? [] : ["it succeeded"]), ...(answer.trim() ? [] : ["it answered"])];
    return { played, wrong };
  },
});
