import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { JobContext } from "../runner.ts";
import { Capture } from "./capture.ts";

/** Captures one stream of a job. A cancel frees its file at once: it may be what fills the disk. */
export function captureOf(
  { folder, stop }: JobContext,
  name: string,
  onText: (text: string) => void,
  isTextWanted?: () => boolean,
): Capture {
  const capture = new Capture(join(folder.root, name), onText, isTextWanted);
  stop.listen(({ kind }) => {
    if (kind === "cancel") void capture.spool.discard("the task was cancelled");
  });
  return capture;
}

/** Ends the captures of a process. If the log could not hold everything, the whole output becomes artifacts. */
export async function keepOutput(job: JobContext, captures: Record<string, Capture>): Promise<void> {
  for (const capture of Object.values(captures)) await capture.end();
  job.log.flush();
  if (!job.log.cut) return;
  for (const [name, { spool }] of Object.entries(captures)) {
    if (spool.problem !== undefined) job.log.note(`output/${name} is not complete: ${spool.problem}`);
    if (spool.isFilled) await keepFile(job, spool.file, `output/${name}`);
  }
}

/** Makes a file of the worker's an artifact. A failure is a line in the log. */
export async function keepFile(job: JobContext, file: string, name: string): Promise<boolean> {
  const target = join(job.folder.artifacts, name);
  try {
    await mkdir(join(target, ".."), { recursive: true });
    await move(file, target);
    return true;
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? error.code : error;
    job.log.note(`${name} could not be kept: ${reason}`);
    return false;
  }
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    // The artifacts folder may be on another disk.
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    await copyFile(from, to);
    await rm(from);
  }
}
