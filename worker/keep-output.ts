import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Capture } from "./capture.ts";
import type { JobContext } from "./job.ts";

/** Ends the captures of a process. If the log could not hold everything, the whole output becomes artifacts. */
export async function keepOutput(job: JobContext, captures: Record<string, Capture>): Promise<void> {
  for (const capture of Object.values(captures)) await capture.end();
  job.log.flush();
  if (!job.log.cut) return;
  for (const [name, capture] of Object.entries(captures)) {
    if (capture.spoolError !== undefined) {
      job.log.note(`output/${name} is not complete: its file could not be written (${capture.spoolError})`);
    }
    if (capture.spooled) await keepFile(job, capture.file, `output/${name}`);
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
