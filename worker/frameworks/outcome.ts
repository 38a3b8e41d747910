import type { AgentOutcome } from "../../lib/contract/agent.ts";

const alone = `You work unattended: nobody reads along, and nobody can answer a question or approve a tool before you have ended. Where
something is unclear, take the safer reading and say what you assumed. If a tool is denied, do the rest without it and name it.`;

const asking = `Nobody reads along, but what you ask with your tool for questions, and a tool that needs approval, reaches whoever dispatched
you; the answer may take long. Ask only what you cannot decide. If a tool is denied, do the rest without it and name it.`;

const protocol = (situation: string): string => `## How to work and how to end

${situation}
Begin your last message with what came of the task, then how you know, then what was not done.
The last line of that message is one of these three, alone and in plain text:
STATUS: done
STATUS: partial: <what is missing>
STATUS: needs_input: <what you need, and from whom>`;

/** What every prompt ends with: how an agent says to whoever dispatched it, and is not there, how far it came. */
export const outcomeProtocol = protocol(alone);
/** The same for one that may ask while it works. */
export const askingProtocol = protocol(asking);

/** What an agent said of itself, and its text without that line. */
export type SaidOutcome = { output: string; outcome: AgentOutcome | null; needs?: string };

/** Lines after it belong to it as long as there are no more than these. */
const MAX_LINES_AFTER = 20;
const MAX_NEEDS_LENGTH = 4000;

/** Marks of Markdown that models put around the line, and the words that they use. */
const LINE =
  /^[\s>#*_`~|-]*status[\s*_`]*[:=–—-][\s*_`"']*(done|completed?|success|partial(?:ly)?(?:[ _-](?:done|completed?))?|incomplete|needs?[ _-]input|input[ _-]needed|blocked)\b(?! *\|)(.*)$/i;
const MARKS_BEFORE = /^[\s*_`"'|.,;:()–—-]+/;
const MARKS_AFTER = /[\s*_`"'|~)]+$/;

const meaningOf = (word: string): AgentOutcome =>
  /^(done|comp|succ)/i.test(word) ? "done" : /^(part|inco)/i.test(word) ? "partial" : "needs_input";

/**
 * Reads the last line `STATUS: done | partial | needs_input[: what]`, however it is dressed, and takes it away. A text without
 * one says nothing of the outcome, which is no failure.
 *
 * @example readOutcome("All is well.\n**Status:** Blocked - the key") // { output: "All is well.", outcome: "needs_input", needs: "the key" }
 */
export function readOutcome(text: string): SaidOutcome {
  const lines = text.trimEnd().split("\n");
  for (let at = lines.length - 1; at >= Math.max(0, lines.length - 1 - MAX_LINES_AFTER); at--) {
    const [, word, rest = ""] = LINE.exec(lines[at] ?? "") ?? [];
    if (word === undefined) continue;
    const outcome = meaningOf(word);
    const reason = rest.replace(MARKS_BEFORE, "").replace(MARKS_AFTER, "");
    const after = lines.slice(at + 1).filter((line) => !/^\s*(```|~~~)\s*$/.test(line));
    const before = withoutOpenFence(lines.slice(0, at));
    if (outcome === "done")
      return { output: joined([...before, ...(reason === "" ? [] : [reason]), ...after]), outcome };
    const needs = joined([reason, ...after])
      .slice(0, MAX_NEEDS_LENGTH)
      .toWellFormed();
    return { output: joined(before), outcome, ...(needs !== "" && { needs }) };
  }
  return { output: text.trimEnd(), outcome: null };
}

const joined = (lines: readonly string[]): string => lines.join("\n").trim();

/** The line may stand alone between fences, of which the first is then left over. */
function withoutOpenFence(lines: readonly string[]): readonly string[] {
  const isFence = (line: string) => /^\s*(```|~~~)\w*\s*$/.test(line);
  const last = lines.findLastIndex((line) => line.trim() !== "");
  const isOpen = isFence(lines[last] ?? "") && lines.filter(isFence).length % 2 === 1;
  return isOpen ? lines.slice(0, last) : lines;
}
