import type { Ports } from "../../../lib/domain/ports.ts";
import type { Task } from "../../../lib/domain/task.ts";
import type { Context } from "./tool.ts";

/** How much of the end of the output is looked at for its last line, in characters. */
const TAIL = 1000;
const MAX_LINE = 300;
/** A job may print faster than anybody reads. */
const BETWEEN_LINES_MS = 1000;
/** What colors and moves a cursor in a terminal: https://www.ecma-international.org/publications-and-standards/standards/ecma-48/ */
const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-?]*[ -/]*[@-~]`, "g");

/**
 * Tells each news of a task: its phase, with what it says of itself or the last line of its output. A task's revision is
 * the number of its progress, because it only grows.
 */
export function progressTeller(ports: Ports, notify: NonNullable<Context["notify"]>) {
  let told: { status: string; sequence: number; logLength: number; atMs: number } | undefined;
  let text = "";
  return async ({ id, revision, status, progress, logLength }: Task): Promise<void> => {
    const sequence = progress?.sequence ?? 0;
    const says = progress !== undefined && sequence > (told?.sequence ?? 0);
    const printed = logLength > (told?.logLength ?? 0);
    const atMs = ports.steady();
    const isSoon = told !== undefined && atMs - told.atMs < BETWEEN_LINES_MS;
    if (told?.status === status && !says && (!printed || isSoon)) return;
    if (says) text = progress.message ?? text;
    else if (printed) text = (await lastLine(ports, id, logLength)) ?? text;
    told = { status, sequence, logLength, atMs };
    await notify(revision, text === "" ? status : `${status}: ${text}`);
  };
}

async function lastLine(ports: Ports, id: string, logLength: number): Promise<string | undefined> {
  const { data } = await ports.store.readLog(id, Math.max(0, logLength - TAIL), TAIL);
  const lines = data.replaceAll(escapes, "").split(/[\r\n]+/);
  const line = lines.findLast((text) => text.trim() !== "");
  return line
    ?.replaceAll(/\p{Cc}/gu, " ")
    .trim()
    .slice(0, MAX_LINE)
    .toWellFormed();
}
