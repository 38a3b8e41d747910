import type { Task } from "../../contract/task.ts";
import type { ReadableStore } from "../../store/port.ts";
import type { Ports } from "../ports.ts";

/** Tells a caller that asked for it how far the work is; `progress` grows from call to call. */
export type Tell = (progress: number, message: string) => Promise<void>;

type Watched = Pick<Ports, "store" | "steady">;

/** How much of the end of the output is looked at for its last line, in characters. */
const TAIL = 1000;
const MAX_LINE = 300;
/** A job may print faster than anybody reads. */
const BETWEEN_LINES_MS = 1000;
/**
 * What colors and moves a cursor in a terminal:
 * https://www.ecma-international.org/publications-and-standards/standards/ecma-48/
 */
const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-?]*[ -/]*[@-~]`, "g");

/**
 * Tells each news of a task: its phase, with what it says of itself or the last line of its output. A line that comes too
 * soon after the last news is told once it may be, or the one that is the last by then. A task's revision is the number of
 * its progress, because it only grows. After `end` nothing more is told.
 */
export function progressTeller(ports: Watched, notify: Tell) {
  let told: { status: string; sequence: number; logLength: number; atMs: number } | undefined;
  let text = "";
  /** The news that were told, in their order: what cannot be told fails the next. */
  let telling: Promise<void> = Promise.resolve();
  let held: Task | undefined;
  let timer: NodeJS.Timeout | undefined;

  const newsOf = ({ progress, logLength }: Task) => ({
    says: (progress?.sequence ?? 0) > (told?.sequence ?? 0),
    printed: logLength > (told?.logLength ?? 0),
  });
  const release = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const tell = (task: Task): Promise<void> => {
    release();
    const { id, revision, status, progress, logLength } = task;
    const { says, printed } = newsOf(task);
    told = { status, sequence: progress?.sequence ?? 0, logLength, atMs: ports.steady() };
    telling = telling.then(async () => {
      if (says) text = progress?.message ?? text;
      else if (printed) text = (await lastLine(ports, id, logLength)) ?? text;
      await notify(revision, text === "" ? status : `${status}: ${text}`);
    });
    return telling;
  };

  return {
    async see(task: Task): Promise<void> {
      const { says, printed } = newsOf(task);
      if (told?.status !== task.status || says) return await tell(task);
      if (!printed) return;
      const tooSoonMs = told.atMs + BETWEEN_LINES_MS - ports.steady();
      if (tooSoonMs <= 0) return await tell(task);
      held = task;
      timer ??= setTimeout(() => held && void tell(held).catch(() => {}), tooSoonMs);
    },
    async end(): Promise<void> {
      release();
      await telling.catch(() => {});
    },
  };
}

/** The last line of a task's output that is not empty, of the length that it has. */
export const lastLine = async (watched: Pick<Ports, "store">, id: string, logLength: number) =>
  (await lastLines(watched, id, logLength, 1)).at(-1);

/** The last lines of a task's output that are not empty, at most so many, of the length that it has. */
export async function lastLines(
  ports: { store: Pick<ReadableStore, "readLog"> },
  id: string,
  logLength: number,
  count: number,
): Promise<string[]> {
  const { data } = await ports.store.readLog(id, Math.max(0, logLength - TAIL * count), TAIL * count);
  const lines = data.replaceAll(escapes, "").split(/[\r\n]+/);
  return lines
    .filter((text) => text.trim() !== "")
    .slice(-count)
    .map((line) =>
      line
        .replaceAll(/\p{Cc}/gu, " ")
        .trim()
        .slice(0, MAX_LINE)
        .toWellFormed(),
    );
}
